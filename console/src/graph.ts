/** The picture's nodes and links, kept from poll to poll. */

import type { Architecture, Edge } from "./api.ts";
import { carriesData, fetchesInput, resource, type Resource } from "./resource.ts";

/** Resources that nothing calls which are drawn; the lists have them all. */
const MOST_ALONE = 24;

/** Seconds of history that a sparkline shows. */
export const HISTORY = 60;

export interface GraphNode extends Resource {
  /** Every ARN seen of the node: its own, and those of its streams, versions and subscriptions. */
  arns: Set<string>;
  callsPerSecond: number;
  errorsPerSecond: number;
  /** Calls per second at each poll, oldest first. */
  history: number[];
}

export interface Link {
  id: string;
  from: string;
  to: string;
  /** The edges drawn as this link: a consumer's receiving and a function's invocation are one flow. */
  edges: Edge[];
  callsPerSecond: number;
  errorsPerSecond: number;
  errors: number;
  calls: number;
  meanMillis: number;
  secondsSinceLast: number;
  isSupporting: boolean;
}

export interface Visible {
  nodes: GraphNode[];
  links: Link[];
  /** Resources that are only shown on request. */
  hidden: number;
  /** Resources that nothing calls, for which there is no place. */
  left: number;
}

export class Graph {
  readonly nodes = new Map<string, GraphNode>();
  links: Link[] = [];
  /** What sort of traffic an edge has carried so far; a later setting-up call does not make it a setup edge again. */
  private readonly carried = new Map<string, { data: boolean; flow: "unknown" | "along" | "against" }>();
  private lastCalls = new Map<string, number>();
  private lastPoll = 0;

  /** @param at milliseconds of the machine's clock, for rates between polls */
  update(picture: Architecture, at: number): void {
    const links = new Map<string, Link>();
    const seen = new Set<string>();
    for (const arn of picture.nodes) seen.add(this.node(arn).id);
    for (const edge of picture.edges) {
      const from = this.node(edge.from);
      const to = this.node(edge.to);
      seen.add(from.id).add(to.id);
      if (from.id !== to.id) this.join(links, edge, from, to);
    }
    for (const id of [...this.nodes.keys()]) {
      if (!seen.has(id)) this.nodes.delete(id);
    }
    const edges = new Set(picture.edges.map((edge) => `${edge.from} ${edge.to}`));
    for (const key of [...this.carried.keys()]) {
      if (!edges.has(key)) this.carried.delete(key);
    }
    this.links = [...links.values()];
    this.measure(picture.edges, at);
  }

  visible(withSupporting: boolean): Visible {
    const links = this.links.filter((link) => withSupporting || !link.isSupporting);
    const linked = new Set(links.flatMap((link) => [link.from, link.to]));
    const wanted = [...this.nodes.values()].filter(
      // Clients that only set things up have no line to show, so no place either.
      (node) => withSupporting || (!node.isSupporting && (node.kind !== "client" || linked.has(node.id))),
    );
    const alone = wanted.filter((node) => !linked.has(node.id));
    const left = new Set(alone.slice(MOST_ALONE).map((node) => node.id));
    const nodes = wanted.filter((node) => !left.has(node.id));
    const shown = new Set(nodes.map((node) => node.id));
    const drawn = links.filter((link) => shown.has(link.from) && shown.has(link.to));
    const total = [...this.nodes.values()].filter((node) => node.kind !== "client").length;
    const supporting = total - wanted.filter((node) => node.kind !== "client").length;
    return { nodes, links: drawn, hidden: supporting, left: left.size };
  }

  private node(end: string): GraphNode {
    const found = resource(end);
    let node = this.nodes.get(found.id);
    if (!node) {
      node = { ...found, arns: new Set(), callsPerSecond: 0, errorsPerSecond: 0, history: [] };
      this.nodes.set(found.id, node);
    }
    node.arns.add(end);
    return node;
  }

  private join(links: Map<string, Link>, edge: Edge, from: GraphNode, to: GraphNode): void {
    const key = `${edge.from} ${edge.to}`;
    const carried = this.carried.get(key) ?? { data: false, flow: "unknown" };
    if (carriesData(edge.operation)) carried.data = true;
    // Once something was sent along an edge it stays that way round, whatever else its caller reads there.
    if (fetchesInput(edge)) carried.flow = carried.flow === "along" ? "along" : "against";
    else if (carriesData(edge.operation)) carried.flow = "along";
    this.carried.set(key, carried);

    const [source, target] = carried.flow === "against" ? [to, from] : [from, to];
    const id = `${source.id} ${target.id}`;
    const isSupporting = source.isSupporting || target.isSupporting || !carried.data;
    const link = links.get(id);
    if (!link) {
      links.set(id, { ...edge, id, from: source.id, to: target.id, edges: [edge], isSupporting });
      return;
    }
    link.edges.push(edge);
    link.isSupporting &&= isSupporting;
    link.errors += edge.errors;
    link.errorsPerSecond += edge.errorsPerSecond;
    link.secondsSinceLast = Math.min(link.secondsSinceLast, edge.secondsSinceLast);
    // Not a sum: a message that is received, worked on and deleted passes once.
    if (edge.callsPerSecond > link.callsPerSecond || (link.callsPerSecond === 0 && edge.calls > link.calls)) {
      const { calls, callsPerSecond, meanMillis } = edge;
      Object.assign(link, { calls, callsPerSecond, meanMillis });
    }
  }

  private measure(edges: Edge[], at: number): void {
    const seconds = (at - this.lastPoll) / 1000;
    const into = new Map<string, Traffic>();
    const out = new Map<string, Traffic>();
    const totals = new Map<string, number>();
    for (const edge of edges) {
      const key = `${edge.from} ${edge.to}`;
      const before = this.lastCalls.get(key);
      const since = before === undefined || edge.calls < before ? 0 : edge.calls - before;
      totals.set(key, edge.calls);
      add(into, resource(edge.to).id, edge, since);
      add(out, resource(edge.from).id, edge, since);
    }
    this.lastCalls = totals;
    const isFirst = this.lastPoll === 0;
    this.lastPoll = at;
    for (const node of this.nodes.values()) {
      // A node's figures are those of the calls made to it; of those it makes where nobody calls it, as with clients
      // and functions that read a stream.
      const called = into.get(node.id);
      const traffic = called && called.callsPerSecond > 0 ? called : out.get(node.id);
      node.callsPerSecond = traffic?.callsPerSecond ?? 0;
      node.errorsPerSecond = traffic?.errorsPerSecond ?? 0;
      if (isFirst) continue;
      node.history.push((traffic?.since ?? 0) / Math.max(seconds, 0.1));
      if (node.history.length > HISTORY) node.history.shift();
    }
  }
}

interface Traffic {
  /** Calls since the last poll. */
  since: number;
  callsPerSecond: number;
  errorsPerSecond: number;
}

function add(traffic: Map<string, Traffic>, id: string, edge: Edge, since: number): void {
  const sum = traffic.get(id) ?? { since: 0, callsPerSecond: 0, errorsPerSecond: 0 };
  sum.since += since;
  sum.callsPerSecond += edge.callsPerSecond;
  sum.errorsPerSecond += edge.errorsPerSecond;
  traffic.set(id, sum);
}
