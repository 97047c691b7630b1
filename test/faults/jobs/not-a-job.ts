/** A module whose default export is a function, but was not made by `job()`. */
export default () => {};
