// CSV text to a table: named columns and rows of equal length. Everything that is odd about the text is said here, once.

import { ToolError } from "@portcullis/plugin";
import Papa from "papaparse";

/** What every tool of this plugin takes. */
export interface TableArgs {
  csv: string;
  delimiter?: keyof typeof DELIMITERS;
}

// By name: a tab in a schema is something that nobody sees, so hosts refuse it there.
const DELIMITERS = { comma: ",", semicolon: ";", tab: "\t", bar: "|" };

/** A table whose rows all have one value for each column. */
export interface Table {
  columns: string[];
  rows: string[][];
}

/** Reads the table, or says where the text is none. */
export function readTable({ csv, delimiter }: TableArgs): Table {
  const { data, errors } = Papa.parse<string[]>(csv.replace(/^\ufeff/, ""), {
    // Empty: guessed.
    delimiter: delimiter === undefined ? "" : DELIMITERS[delimiter],
    delimitersToGuess: Object.values(DELIMITERS),
    skipEmptyLines: true,
  });
  const broken = errors.find((error) => error.type === "Quotes");
  if (broken !== undefined) {
    throw new ToolError(
      `The CSV has a broken quote in row ${(broken.row ?? 0) + 1}: ${broken.message}. A value with quotes in it is written ` +
        'as "a ""quoted"" word".',
    );
  }
  const [header, ...rows] = data;
  if (header === undefined) throw new ToolError("The CSV is empty. Give at least a line with the names of the columns.");
  const columns = header.map((name) => name.trim());
  checkColumns(columns);
  rows.forEach((row, index) => {
    if (row.length !== columns.length) {
      throw new ToolError(
        `Row ${index + 2} of the CSV has ${row.length} values and the header has ${columns.length} columns. Every row needs ` +
          "one value for each column; a value that holds the delimiter has to stand in double quotes. If the delimiter was " +
          "not found rightly, give it as `delimiter`.",
      );
    }
  });
  return { columns, rows };
}

function checkColumns(columns: string[]): void {
  const unnamed = columns.indexOf("");
  if (unnamed !== -1) throw new ToolError(`Column ${unnamed + 1} has no name. The first line of the CSV has to name every column.`);
  const twice = columns.find((name, index) => columns.indexOf(name) !== index);
  if (twice !== undefined) throw new ToolError(`Two columns are named \`${twice}\`. Rename one, so that it is clear which is meant.`);
}

/** The place of a column, or an error that lists what there is. */
export function columnIndex(table: Table, name: string): number {
  const index = table.columns.indexOf(name);
  if (index !== -1) return index;
  const alike = table.columns.find((column) => column.toLowerCase() === name.trim().toLowerCase());
  const shown = table.columns.slice(0, 50).map((column) => `\`${column}\``).join(", ");
  throw new ToolError(
    `The table has no column \`${name}\`. ` + (alike === undefined ? "" : `Did you mean \`${alike}\`? `) + `It has ${shown}.`,
  );
}
