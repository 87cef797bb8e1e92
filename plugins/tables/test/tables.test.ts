import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { testPlugin } from "@portcullis/plugin/testing";
import { Ajv2020 } from "ajv/dist/2020.js";
import plugin from "../src/main.ts";

const SALES = `city,month,amount,note
Bern,2026-01-05,10,
Bern,2026-02-01,2.5,"a, b"
Zug,2026-01-20,7,x
Bern,2026-03-09,,late
`;

const host = testPlugin(plugin);
const ajv = new Ajv2020({ strict: true });
const schema = (name: string) => ajv.compile(JSON.parse(readFileSync(`schemas/${name}.json`, "utf8")));
const schemas = Object.fromEntries(
  Object.keys(plugin.tools).map((tool) => [tool, { input: schema(`${tool}.input`), output: schema(`${tool}.output`) }]),
);

/** Calls a tool as the host does: the arguments fit the input schema, and what comes back has to fit the output schema. */
function ask(tool: keyof typeof plugin.tools, args: object): any {
  const { input, output } = schemas[tool]!;
  assert.ok(input(args), `arguments: ${ajv.errorsText(input.errors)}`);
  const { structured, failed } = host.call(tool, args);
  assert.equal(failed, undefined);
  assert.ok(output(structured), `result: ${ajv.errorsText(output.errors)}`);
  return structured;
}

function refusal(tool: keyof typeof plugin.tools, args: object): string {
  const { failed } = host.call(tool, args);
  assert.ok(failed !== undefined, "it was not refused");
  return failed;
}

test("describe gives types, counts and ranges", () => {
  assert.deepEqual(ask("describe", { csv: SALES }), {
    rows: 4,
    columns: [
      { name: "city", type: "text", count: 4, empty: 0, distinct: 2 },
      { name: "month", type: "date", count: 4, empty: 0, distinct: 4, min: "2026-01-05", max: "2026-03-09" },
      { name: "amount", type: "number", count: 3, empty: 1, distinct: 3, min: 2.5, max: 10, mean: 6.5 },
      { name: "note", type: "text", count: 3, empty: 1, distinct: 3 },
    ],
  });
});

test("types are the narrowest that fit", () => {
  const csv = "i,n,b,d,code,big,e\n1,1,true,2026-01-01T10:00:00Z,007,9007199254740993,\n-2,2e3,FALSE,2026-12-31,12,1,\n";
  const types = ask("describe", { csv }).columns.map(({ type }: { type: string }) => type);
  assert.deepEqual(types, ["integer", "number", "boolean", "date", "text", "text", "empty"]);
});

test("a table without rows is described", () => {
  assert.deepEqual(ask("describe", { csv: "a" }), {
    rows: 0,
    columns: [{ name: "a", type: "empty", count: 0, empty: 0, distinct: 0 }],
  });
});

for (const [name, csv, delimiter] of [
  ["semicolons", "a;b\n1;2\n", undefined],
  ["tabs, told", "a\tb\n1\t2\n", "tab"],
  ["bars, told", "a|b\n1|2\n", "bar"],
  ["a byte order mark and CRLF", "\ufeffa,b\r\n1,2\r\n", undefined],
] as const) {
  test(`${name} are read`, () => {
    const args = delimiter === undefined ? { csv } : { csv, delimiter };
    const { columns, rows } = ask("filter", args);
    assert.deepEqual({ columns, rows }, { columns: ["a", "b"], rows: [["1", "2"]] });
  });
}

test("a row of empty values is a row", () => {
  assert.deepEqual(ask("filter", { csv: "a,b\n,\n1,2\n" }).rows, [["", ""], ["1", "2"]]);
});

test("filter gives fitting rows, unchanged and in order", () => {
  assert.deepEqual(
    ask("filter", { csv: SALES, where: [{ column: "city", op: "eq", value: "Bern" }], columns: ["note", "amount"] }),
    { columns: ["note", "amount"], rows: [["", "10"], ["a, b", "2.5"], ["late", ""]], matched: 3, total: 4, truncated: false },
  );
});

const months = (where: object[], match: "all" | "any" = "all") =>
  ask("filter", { csv: SALES, where, match, columns: ["month"] }).rows.map(([month]: [string]) => month.slice(5));

for (const [condition, expected] of [
  [{ column: "amount", op: "gt", value: 7 }, ["01-05"]],
  [{ column: "amount", op: "ge", value: "7" }, ["01-05", "01-20"]],
  [{ column: "amount", op: "lt", value: 7 }, ["02-01"]],
  [{ column: "amount", op: "le", value: 7 }, ["02-01", "01-20"]],
  [{ column: "amount", op: "eq", value: 2.5 }, ["02-01"]],
  [{ column: "amount", op: "ne", value: 10 }, ["02-01", "01-20", "03-09"]],
  [{ column: "month", op: "ge", value: "2026-02-01" }, ["02-01", "03-09"]],
  [{ column: "note", op: "contains", value: "A, " }, ["02-01"]],
  [{ column: "note", op: "starts_with", value: "LA" }, ["03-09"]],
  [{ column: "note", op: "ends_with", value: "te" }, ["03-09"]],
  [{ column: "note", op: "empty" }, ["01-05"]],
  [{ column: "amount", op: "not_empty" }, ["01-05", "02-01", "01-20"]],
  [{ column: "amount", op: "in", values: [7, "10"] }, ["01-05", "01-20"]],
] as const) {
  test(`filter ${condition.op} ${JSON.stringify("value" in condition ? condition.value : condition.column)}`, () => {
    assert.deepEqual(months([condition]), expected);
  });
}

test("conditions are joined by all or by any", () => {
  const where = [
    { column: "city", op: "eq", value: "Zug" },
    { column: "amount", op: "gt", value: 5 },
  ];
  assert.deepEqual(months(where, "all"), ["01-20"]);
  assert.deepEqual(months(where, "any"), ["01-05", "01-20"]);
});

test("limit and offset page through the fitting rows", () => {
  const page = (offset: number) => {
    const { rows, matched, truncated } = ask("filter", { csv: "n\n1\n2\n3\n", limit: 2, offset });
    return { rows: rows.flat(), matched, truncated };
  };
  assert.deepEqual(page(0), { rows: ["1", "2"], matched: 3, truncated: true });
  assert.deepEqual(page(2), { rows: ["3"], matched: 3, truncated: false });
});

test("aggregate calculates for each group", () => {
  const measures = [
    { op: "count" },
    { op: "count", column: "amount" },
    { op: "sum", column: "amount" },
    { op: "mean", column: "amount" },
    { op: "min", column: "amount" },
    { op: "max", column: "month", as: "latest" },
  ];
  assert.deepEqual(ask("aggregate", { csv: SALES, group_by: ["city"], measures }), {
    columns: ["city", "count", "count_amount", "sum_amount", "mean_amount", "min_amount", "latest"],
    rows: [
      ["Bern", 3, 2, 12.5, 6.25, 2.5, "2026-03-09"],
      ["Zug", 1, 1, 7, 7, 7, "2026-01-20"],
    ],
    groups: 2,
    total: 4,
    truncated: false,
  });
});

test("without group_by the whole table is one group, even without rows", () => {
  const measures = [{ op: "count" }, { op: "sum", column: "n" }, { op: "mean", column: "n" }];
  assert.deepEqual(ask("aggregate", { csv: "n\n1\n2\n", measures }).rows, [[2, 3, 1.5]]);
  assert.deepEqual(ask("aggregate", { csv: "n\n", measures }).rows, [[0, 0, null]]);
});

test("a sum keeps small values beside large ones", () => {
  const measures = [{ op: "sum", column: "n" }];
  assert.deepEqual(ask("aggregate", { csv: "n\n1\n1e100\n1\n-1e100\n", measures }).rows, [[2]]);
});

test("groups beyond the limit are counted and said to be left out", () => {
  const { rows, groups, truncated } = ask("aggregate", {
    csv: "n\n3\n1\n2\n",
    group_by: ["n"],
    measures: [{ op: "count" }],
    limit: 2,
  });
  assert.deepEqual({ rows, groups, truncated }, { rows: [["3", 1], ["1", 1]], groups: 3, truncated: true });
});

for (const [name, tool, args, expected] of [
  ["nothing but a line end", "describe", { csv: "\n" }, /The CSV is empty/],
  ["a ragged row", "describe", { csv: "a,b\n1,2\n3\n" }, /Row 3 of the CSV has 1 values and the header has 2 columns/],
  ["an open quote", "describe", { csv: 'a,b\n"1,2\n' }, /broken quote in row 2/],
  ["a column without a name", "describe", { csv: "a,,c\n1,2,3\n" }, /Column 2 has no name/],
  ["two columns of one name", "describe", { csv: "a,a\n1,2\n" }, /Two columns are named `a`/],
  ["an unknown column", "filter", { csv: SALES, columns: ["City"] }, /no column `City`. Did you mean `city`\? It has `city`, `month`/],
  ["a missing value", "filter", { csv: SALES, where: [{ column: "city", op: "eq" }] }, /where\[0\]: `eq` needs a `value`/],
  ["a value too many", "filter", { csv: SALES, where: [{ column: "city", op: "empty", value: 1 }] }, /`empty` takes no `value`/],
  ["a list for one value", "filter", { csv: SALES, where: [{ column: "city", op: "eq", values: [1] }] }, /`values` is only for `in`/],
  ["in without a list", "filter", { csv: SALES, where: [{ column: "city", op: "in", value: 1 }] }, /`in` takes `values`/],
  ["an order of truth", "filter", { csv: SALES, where: [{ column: "city", op: "lt", value: true }] }, /true and false have no order/],
  ["a sum of text", "aggregate", { csv: SALES, measures: [{ op: "sum", column: "note" }] }, /needs numbers, and column `note` has `a, b` in row 3/],
  ["a sum of nothing", "aggregate", { csv: SALES, measures: [{ op: "sum" }] }, /measures\[0\]: `sum` needs a `column`/],
  ["two results of one name", "aggregate", { csv: SALES, measures: [{ op: "count" }, { op: "count" }] }, /Two results are named `count`/],
] as const) {
  test(`${name} is refused with what would be right`, () => assert.match(refusal(tool, args), expected));
}

test("a table of 900,000 characters is described", () => {
  const rows = Array.from({ length: 40_000 }, (_, n) => `${n},name ${n},${n / 4}`).join("\n");
  const { rows: count, columns } = ask("describe", { csv: `id,name,x\n${rows}`.slice(0, 900_000).replace(/\n[^\n]*$/, "") });
  assert.equal(columns[0].distinct, count);
  assert.ok(count > 38_000);
});
