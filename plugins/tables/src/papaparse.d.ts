// The part of papaparse that is used here. @types/papaparse speaks of streams, files and workers, which a plugin has not.
declare module "papaparse" {
  interface ParseError {
    type: "Quotes" | "Delimiter" | "FieldMismatch";
    message: string;
    row?: number;
  }
  interface ParseConfig {
    delimiter?: string;
    delimitersToGuess?: string[];
    skipEmptyLines?: boolean;
  }
  const Papa: {
    parse<Row>(csv: string, config: ParseConfig): { data: Row[]; errors: ParseError[] };
  };
  export default Papa;
}
