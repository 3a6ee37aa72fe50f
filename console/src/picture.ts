/** The live architecture: cards for resources, curves for what flows between them. */

import { Camera } from "./camera.ts";
import { h, setAttribute, setText, svg, sync } from "./dom.ts";
import { count, millis, rate } from "./format.ts";
import { HISTORY, type GraphNode, type Link } from "./graph.ts";
import { icon } from "./icons.ts";
import { shortened, visible } from "./visible.ts";
import { CARD, layout, path, type Layout, type Place } from "./layout.ts";

interface Card {
  element: HTMLButtonElement;
  label: HTMLElement;
  figure: HTMLElement;
  line: SVGElement;
  area: SVGElement;
  place: Place;
}

interface Curve {
  group: SVGElement;
  line: SVGElement;
  flow: SVGElement;
  label: HTMLElement;
  timing: HTMLElement;
  errors: HTMLElement;
  rate: HTMLElement;
  running: Animation | null;
}

const SPARK = { width: 116, height: 24 };
/** Of a move to a new place. */
const MOVE_MILLIS = 450;
/** A link on which nothing has passed for so long is at rest. */
const RESTING_SECONDS = 4;

export class Picture {
  readonly element: HTMLElement;
  readonly camera: Camera;
  private readonly world = h("div", { class: "world" });
  private readonly lines = svg("svg", { class: "lines", "aria-hidden": "true" });
  private readonly labels = h("div", { class: "labels", "aria-hidden": "true" });
  private readonly deck = h("div", { class: "deck" });
  private readonly cards = new Map<string, Card>();
  private readonly curves = new Map<string, Curve>();
  private readonly calm = matchMedia("(prefers-reduced-motion: reduce)");
  private arranged: Layout = { places: new Map(), routes: new Map(), width: 1, height: 1 };
  private arrangedFor = "";
  private links: Link[] = [];
  private selected = "";
  private moving = 0;

  constructor(private readonly onSelect: (id: string) => void) {
    this.element = h("div", { class: "stage", tabindex: 0, role: "group", "aria-label": "Live architecture" }, this.world);
    this.world.append(this.lines, this.labels, this.deck);
    this.camera = new Camera(this.element, this.world);
  }

  /** @param size of the space for the whole picture, which decides how it is folded into rows */
  draw(nodes: GraphNode[], links: Link[], size: { width: number; height: number }): void {
    this.links = links;
    const shape = JSON.stringify([nodes.map((node) => node.id), links.map((link) => link.id).sort(), size]);
    const isNew = shape !== this.arrangedFor;
    if (isNew) {
      this.arrangedFor = shape;
      this.arranged = layout(nodes.map((node) => node.id), links, size);
    }
    for (const node of nodes) this.drawCard(node);
    for (const link of links) this.drawCurve(link, nodes);
    this.forget(this.cards, new Set(nodes.map((node) => node.id)));
    this.forget(this.curves, new Set(links.map((link) => link.id)));
    // In the order of reading, which is also that of the tab key.
    const inOrder = [...this.arranged.places.keys()].map((id) => this.cards.get(id)?.element);
    sync(this.deck, inOrder.filter((element) => element !== undefined));
    sync(this.lines, [...this.curves.values()].map((curve) => curve.group));
    sync(this.labels, [...this.curves.values()].map((curve) => curve.label));
    if (isNew) {
      this.camera.show(this.arranged);
      this.move();
    }
  }

  select(id: string): void {
    this.selected = id;
    for (const [key, card] of this.cards) setAttribute(card.element, "aria-pressed", String(key === id));
    this.markCurves();
  }

  /** The middle of a card, once it stands where it belongs. */
  middle(id: string): Place | undefined {
    const place = this.arranged.places.get(id);
    return place && { x: place.x + CARD.width / 2, y: place.y + CARD.height / 2 };
  }

  focus(id: string): void {
    (this.cards.get(id)?.element ?? this.element).focus({ preventScroll: true });
  }

  private forget<T extends Card | Curve>(drawn: Map<string, T>, kept: Set<string>): void {
    for (const id of [...drawn.keys()]) {
      if (!kept.has(id)) drawn.delete(id);
    }
  }

  private drawCard(node: GraphNode): void {
    const card = this.cards.get(node.id) ?? this.newCard(node);
    setText(card.figure, node.callsPerSecond > 0 ? rate(node.callsPerSecond) : "");
    card.element.classList.toggle("failing", node.errorsPerSecond > 0);
    card.element.classList.toggle("resting", !node.history.some((calls) => calls > 0));
    const line = sparkline(node.history);
    setAttribute(card.line, "d", line);
    setAttribute(card.area, "d", `${line}V${SPARK.height}H0Z`);
    const failing = node.errorsPerSecond > 0 ? `, ${rate(node.errorsPerSecond)} failing` : "";
    setAttribute(card.element, "aria-label", `${node.label}, ${node.noun}, ${rate(node.callsPerSecond)}${failing}`);
  }

  private newCard(node: GraphNode): Card {
    const label = h("span", { class: "label", title: visible(node.label) }, h("bdi", {}, shortened(node.label, 120)));
    const figure = h("span", { class: "figure" });
    const line = svg("path", { class: "line" });
    const area = svg("path", { class: "area" });
    const spark = svg("svg", { class: "spark", viewBox: `0 0 ${SPARK.width} ${SPARK.height}`, preserveAspectRatio: "none" }, area, line);
    const element = h(
      "button",
      { class: "card", type: "button", "data-kind": node.kind, "data-id": node.id, "aria-pressed": "false" },
      h("span", { class: "badge" }, icon(node.kind)),
      h("span", { class: "names" }, label, h("span", { class: "noun" }, node.noun)),
      h("span", { class: "traffic" }, spark, figure),
    );
    element.addEventListener("click", () => this.onSelect(node.id));
    // A new card appears where it belongs; only cards that were there already travel.
    const place = { ...(this.arranged.places.get(node.id) ?? { x: 0, y: 0 }) };
    const card = { element, label, figure, line, area, place };
    this.cards.set(node.id, card);
    this.put(card);
    return card;
  }

  private drawCurve(link: Link, nodes: GraphNode[]): void {
    const curve = this.curves.get(link.id) ?? this.newCurve(link, nodes);
    const isResting = link.callsPerSecond === 0;
    const isPassing = link.secondsSinceLast <= RESTING_SECONDS;
    curve.group.classList.toggle("resting", isResting);
    curve.group.classList.toggle("failing", link.errorsPerSecond > 0);
    curve.label.classList.toggle("resting", isResting);
    // What set something up once is told where somebody asks.
    curve.label.classList.toggle("aside", isResting && link.isSupporting);
    curve.label.classList.toggle("failing", link.errorsPerSecond > 0);
    const thickness = 1.4 + Math.min(4, Math.log10(1 + link.callsPerSecond * 4));
    setAttribute(curve.line, "stroke-width", thickness.toFixed(1));
    setAttribute(curve.flow, "stroke-width", (thickness + 2.2).toFixed(1));
    curve.group.classList.toggle("passing", isPassing);
    this.run(curve, isPassing ? 0.35 + Math.log10(1 + link.callsPerSecond) * 0.9 : 0);

    setText(curve.rate, isResting ? `${count(link.calls)} calls` : rate(link.callsPerSecond));
    setText(curve.timing, ` · ${millis(link.meanMillis)}`);
    setText(curve.errors, link.errors > 0 ? ` · ${count(link.errors)} err` : "");
  }

  private newCurve(link: Link, nodes: GraphNode[]): Curve {
    const kind = nodes.find((node) => node.id === link.from)?.kind ?? "other";
    const line = svg("path", { class: "track" });
    const flow = svg("path", { class: "flow" });
    const tip = svg("path", { class: "tip", d: "M-8-4.5L0 0L-8 4.5Z" });
    const group = svg("g", { class: "link", "data-kind": kind, "data-from": link.from, "data-to": link.to }, line, flow, tip);
    const [figure, timing, errors] = [h("span"), h("span", { class: "timing" }), h("span", { class: "errors" })];
    const label = h("div", { class: "link-label" }, figure, timing, errors);
    const curve = { group, line, flow, label, rate: figure, timing, errors, running: null };
    this.curves.set(link.id, curve);
    return curve;
  }

  /** Lets the dots of a curve run at a speed, 0 for not at all. */
  private run(curve: Curve, speed: number): void {
    if (speed === 0 || this.calm.matches) {
      curve.running?.pause();
      return;
    }
    curve.running ??= curve.flow.animate([{ strokeDashoffset: 18 }, { strokeDashoffset: 0 }], {
      duration: 900,
      iterations: Infinity,
    });
    if (curve.running.playState !== "running") curve.running.play();
    if (Math.abs(curve.running.playbackRate - speed) > 0.02) curve.running.updatePlaybackRate(speed);
  }

  /** Brings every card to its place, and the curves along. */
  private move(): void {
    cancelAnimationFrame(this.moving);
    const from = new Map([...this.cards].map(([id, card]) => [id, { ...card.place }]));
    const duration = this.calm.matches ? 0 : MOVE_MILLIS;
    const began = performance.now();
    const step = (): void => {
      const share = duration === 0 ? 1 : Math.min(1, (performance.now() - began) / duration);
      const eased = 1 - (1 - share) ** 3;
      for (const [id, card] of this.cards) {
        const [start, end] = [from.get(id), this.arranged.places.get(id)];
        if (!start || !end) continue;
        card.place = { x: start.x + (end.x - start.x) * eased, y: start.y + (end.y - start.y) * eased };
        this.put(card);
      }
      this.bend();
      if (share < 1) this.moving = requestAnimationFrame(step);
    };
    step();
  }

  private put(card: Card): void {
    card.element.style.transform = `translate(${card.place.x}px, ${card.place.y}px)`;
  }

  private bend(): void {
    for (const link of this.links) {
      const [curve, from, to] = [this.curves.get(link.id), this.cards.get(link.from), this.cards.get(link.to)];
      const route = this.arranged.routes.get(link.id);
      if (!curve || !from || !to || !route) continue;
      const { d, label } = path(from.place, to.place, route);
      setAttribute(curve.line, "d", d);
      setAttribute(curve.flow, "d", d);
      const tip = curve.group.lastElementChild;
      if (tip) setAttribute(tip, "transform", `translate(${to.place.x - 1} ${to.place.y + CARD.height / 2})`);
      curve.label.style.transform = `translate(${label.x}px, ${label.y}px) translate(-50%, -50%)`;
    }
    this.markCurves();
  }

  private markCurves(): void {
    for (const link of this.links) {
      const isNear = link.from === this.selected || link.to === this.selected;
      this.curves.get(link.id)?.group.classList.toggle("near", isNear);
      this.curves.get(link.id)?.label.classList.toggle("near", isNear);
    }
  }
}

/** A line of the last minute, the newest at the right, scaled to its own highest value. */
function sparkline(history: number[]): string {
  const highest = Math.max(1, ...history);
  const values = [...new Array<number>(Math.max(0, HISTORY - history.length)).fill(0), ...history];
  return values
    .map((value, index) => {
      const x = (index / (HISTORY - 1)) * SPARK.width;
      const y = SPARK.height - 1.5 - (value / highest) * (SPARK.height - 4);
      return `${index ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    })
    .join("");
}
