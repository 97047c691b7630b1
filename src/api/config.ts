/**
 * The options of a job, for users. They are defined beside the graph (graph/config.ts), because the
 * layers between here and there read them too.
 */
export {
  CONFIG_OPTIONS,
  parseConfigPairs,
  resolveConfig,
  type Config,
  type ConfigInput,
  type ConfigOption,
} from '../graph/config.ts';
