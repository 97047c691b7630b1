/**
 * The sources and sinks that come with the engine. One file each; what file sources share is in
 * file-source.ts and line-reader.ts, what file sinks share in file-sink.ts and part-file.ts.
 *
 * Sources and sinks are made by every thread when it builds the job. Splits are listed and directories
 * made ready in the coordinator; readers and writers belong to the thread of their subtask.
 */
export {collectingSink} from './collecting-sink.ts';
export {collectionSource, type CollectionSplit} from './collection-source.ts';
export {csvSink, type CsvSinkOptions} from './csv-sink.ts';
export {csvSource, type CsvSourceOptions} from './csv-source.ts';
export {discardingSink} from './discarding-sink.ts';
export type {FileSinkOptions} from './file-sink.ts';
export type {FileSourceOptions} from './file-source.ts';
export type {FileSplit} from './file-split.ts';
export {generatorSource, type GeneratorSourceOptions} from './generator-source.ts';
export type {RangeSplit} from './index-range.ts';
export {jsonLinesSink} from './json-lines-sink.ts';
export {jsonLinesSource, type JsonLinesSourceOptions} from './json-lines-source.ts';
export {printSink} from './print-sink.ts';
export {sequenceSource} from './sequence-source.ts';
export {textFileSink} from './text-file-sink.ts';
export {textFileSource} from './text-file-source.ts';
