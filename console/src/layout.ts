/**
 * Where nodes stand: layers from left to right, in the direction that data flows. When a single row of layers would be
 * too small to read, the layers go on in a second row below, as text does.
 */

export interface Place {
  x: number;
  y: number;
}

export interface Layout {
  /** In the order of reading: row by row, then column by column. */
  places: Map<string, Place>;
  width: number;
  height: number;
  /** By link id. */
  routes: Map<string, Route>;
}

/** How a link runs: straight to the next layer, or around, through the free space between rows. */
export type Route = { kind: "next" } | { kind: "around"; gutterY: number; lane: number };

interface Ends {
  id: string;
  from: string;
  to: string;
}

export const CARD = { width: 214, height: 92 };
const GAP = { x: 146, y: 28 };
const GUTTER = 72;
const LABEL_RISE = 12;
/** Where along a gutter the labels of its lanes stand, so that they do not cover each other. */
const LABEL_AT = [0.5, 0.28, 0.72, 0.14, 0.86];
const MARGIN = 44;
/** Text below this scale is hard to read, so more rows are tried. */
const LEGIBLE = 0.85;

/**
 * @param ids in the order in which ties are broken, which is what keeps the picture stable
 * @param view what the picture is to fit into; of infinite height where it may go on below
 */
export function layout(ids: string[], links: Ends[], view: { width: number; height: number }): Layout {
  const linked = new Set(links.flatMap((link) => [link.from, link.to]));
  const forward = withoutCycles(ids, links);
  const layers = order(layer(ids.filter((id) => linked.has(id)), forward), forward);
  const alone = ids.filter((id) => !linked.has(id));

  const scale = (size: Rows) => Math.min(view.width / size.width, view.height / size.height);
  let best: Rows | undefined;
  for (let rows = 1; rows <= Math.max(1, layers.length); rows++) {
    const columns = Math.max(1, Math.ceil(layers.length / rows));
    // Those that stand alone may need more columns than the layers to be read.
    const least = Math.max(columns, Number.isFinite(view.height) ? 3 : 1);
    const widths = alone.length ? [0, 1, 2, 3, 5, 7].map((more) => least + more) : [columns];
    for (const wide of widths) {
      const tried = fold(layers, alone, columns, wide);
      if (!best || scale(tried) > scale(best) * 1.05) best = tried;
    }
    if (best && scale(best) >= LEGIBLE) break;
  }
  return route(best ?? fold([], alone, 1, 3), links);
}

/** Links without those that lead back to a node on the way to them. */
function withoutCycles(ids: string[], links: Ends[]): Ends[] {
  const out = groupBy(links, (link) => link.from);
  const targets = new Set(links.map((link) => link.to));
  const state = new Map<string, "open" | "done">();
  const forward: Ends[] = [];
  const visit = (id: string): void => {
    state.set(id, "open");
    for (const link of out.get(id) ?? []) {
      if (state.get(link.to) === "open") continue;
      forward.push(link);
      if (!state.has(link.to)) visit(link.to);
    }
    state.set(id, "done");
  };
  // Where nothing leads to is where a flow begins.
  for (const id of [...ids.filter((id) => !targets.has(id)), ...ids]) {
    if (!state.has(id)) visit(id);
  }
  return forward;
}

/** Every node one layer after the last of those that lead to it; beginnings right before what they lead to. */
function layer(ids: string[], forward: Ends[]): string[][] {
  const into = groupBy(forward, (link) => link.to);
  const out = groupBy(forward, (link) => link.from);
  const depth = new Map<string, number>();
  const depthOf = (id: string): number => {
    let found = depth.get(id);
    if (found === undefined) {
      found = Math.max(0, ...(into.get(id) ?? []).map((link) => depthOf(link.from) + 1));
      depth.set(id, found);
    }
    return found;
  };
  ids.forEach(depthOf);
  for (const id of ids) {
    const next = (out.get(id) ?? []).map((link) => depthOf(link.to));
    if (!into.has(id) && next.length > 0) depth.set(id, Math.min(...next) - 1);
  }
  const layers: string[][] = [];
  for (const id of ids) (layers[depthOf(id)] ??= []).push(id);
  return layers.filter((layer) => layer !== undefined && layer.length > 0);
}

/** Orders each layer by where its neighbours stand, so that links cross less. */
function order(layers: string[][], forward: Ends[]): string[][] {
  const into = groupBy(forward, (link) => link.to);
  const out = groupBy(forward, (link) => link.from);
  const rank = new Map<string, number>();
  const number = (layer: string[]) => layer.forEach((id, index) => rank.set(id, index - (layer.length - 1) / 2));
  layers.forEach(number);
  for (let sweep = 0; sweep < 4; sweep++) {
    const isDown = sweep % 2 === 0;
    for (const layer of isDown ? layers : [...layers].reverse()) {
      const weight = new Map<string, number>();
      for (const id of layer) {
        const near = isDown ? into.get(id)?.map((link) => link.from) : out.get(id)?.map((link) => link.to);
        const ranks = (near ?? []).map((neighbour) => rank.get(neighbour) ?? 0);
        weight.set(id, ranks.length ? ranks.reduce((sum, r) => sum + r, 0) / ranks.length : rank.get(id) ?? 0);
      }
      layer.sort((a, b) => (weight.get(a) ?? 0) - (weight.get(b) ?? 0));
      number(layer);
    }
  }
  return layers;
}

interface Rows {
  places: Map<string, Place>;
  /** Per node: the row, and the column in it. */
  cells: Map<string, { row: number; column: number }>;
  /** Per row: the middle of the free space below it. */
  gutters: number[];
  width: number;
  height: number;
}

/** Places layers in rows of so many columns, and nodes that nothing calls in rows of their own, so wide, at the end. */
function fold(layers: string[][], alone: string[], columns: number, wide: number): Rows {
  const rows: string[][][] = [];
  for (let start = 0; start < layers.length; start += columns) rows.push(layers.slice(start, start + columns));
  for (let start = 0; start < alone.length; start += wide) {
    rows.push(alone.slice(start, start + wide).map((id) => [id]));
  }
  const places = new Map<string, Place>();
  const cells = new Map<string, { row: number; column: number }>();
  const gutters: number[] = [];
  let top = MARGIN;
  rows.forEach((row, rowIndex) => {
    const stacked = (n: number) => n * CARD.height + (n - 1) * GAP.y;
    const height = Math.max(...row.map((layer) => stacked(layer.length)));
    row.forEach((layer, column) => {
      const start = top + (height - stacked(layer.length)) / 2;
      layer.forEach((id, index) => {
        places.set(id, { x: MARGIN + column * (CARD.width + GAP.x), y: start + index * (CARD.height + GAP.y) });
        cells.set(id, { row: rowIndex, column });
      });
    });
    gutters.push(top + height + GUTTER / 2);
    top += height + GUTTER;
  });
  const used = Math.max(1, ...rows.map((row) => row.length));
  return {
    places,
    cells,
    gutters,
    width: 2 * MARGIN + used * CARD.width + (used - 1) * GAP.x,
    height: Math.max(CARD.height, top - GUTTER) + MARGIN,
  };
}

function route(rows: Rows, links: Ends[]): Layout {
  const routes = new Map<string, Route>();
  const lanes = new Map<number, number>();
  let isLastUsed = false;
  for (const link of links) {
    const from = rows.cells.get(link.from);
    const to = rows.cells.get(link.to);
    if (!from || !to) continue;
    if (from.row === to.row && to.column === from.column + 1) {
      routes.set(link.id, { kind: "next" });
      continue;
    }
    // Down to the space right above the target's row, or below the row that both are in.
    const gutter = to.row > from.row ? to.row - 1 : from.row;
    const lane = lanes.get(gutter) ?? 0;
    lanes.set(gutter, lane + 1);
    isLastUsed ||= gutter === rows.gutters.length - 1;
    routes.set(link.id, { kind: "around", gutterY: rows.gutters[gutter] ?? 0, lane });
  }
  return { places: rows.places, width: rows.width, height: rows.height + (isLastUsed ? GUTTER / 2 : 0), routes };
}

/** The path of a link between two cards, and where its label stands. */
export function path(from: Place, to: Place, route: Route): { d: string; label: Place } {
  const start = { x: from.x + CARD.width, y: from.y + CARD.height / 2 };
  const end = { x: to.x - 5, y: to.y + CARD.height / 2 };
  if (route.kind === "next") {
    const bend = (end.x - start.x) / 2;
    return {
      d: `M${start.x} ${start.y}C${start.x + bend} ${start.y} ${end.x - bend} ${end.y} ${end.x} ${end.y}`,
      // Above a level line; on the middle of a steep one, which it would cut through otherwise.
      label: { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 - (Math.abs(end.y - start.y) < 24 ? LABEL_RISE : 0) },
    };
  }
  // Lanes alternate around the middle of the gutter, and stay inside it however many there are.
  const offset = ((route.lane % 2 ? 1 : -1) * Math.ceil(route.lane / 2) * 9) % (GUTTER / 2 - 6);
  const y = route.gutterY + offset;
  const right = start.x + 22 + (route.lane % 4) * 5;
  const left = end.x - 24 - (route.lane % 4) * 5;
  return {
    d: rounded([start, { x: right, y: start.y }, { x: right, y }, { x: left, y }, { x: left, y: end.y }, end]),
    label: { x: left + (right - left) * (LABEL_AT[route.lane % LABEL_AT.length] ?? 0.5), y: y - LABEL_RISE },
  };
}

/** A line through points, its corners rounded. */
function rounded(points: Place[]): string {
  const [first, ...rest] = points;
  if (!first) return "";
  let d = `M${first.x} ${first.y}`;
  let before = first;
  rest.forEach((corner, index) => {
    const after = rest[index + 1];
    if (!after) {
      d += `L${corner.x} ${corner.y}`;
      return;
    }
    const length = (a: Place, b: Place) => Math.hypot(b.x - a.x, b.y - a.y);
    const radius = Math.min(14, length(before, corner) / 2, length(corner, after) / 2);
    const toward = (target: Place): Place => {
      const share = radius / (length(corner, target) || 1);
      return { x: corner.x + (target.x - corner.x) * share, y: corner.y + (target.y - corner.y) * share };
    };
    const [a, b] = [toward(before), toward(after)];
    d += `L${a.x} ${a.y}Q${corner.x} ${corner.y} ${b.x} ${b.y}`;
    before = corner;
  });
  return d;
}

function groupBy<T>(items: T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}
