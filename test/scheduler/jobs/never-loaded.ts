/** A module whose import never ends. */
await new Promise(() => {});
export default {};
