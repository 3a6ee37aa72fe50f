/** What the region tells the console. Answers are read leniently: a missing field is an empty one. */

import type { Tenant } from "./address.ts";

export interface Edge {
  from: string;
  to: string;
  operation: string;
  calls: number;
  errors: number;
  /** Over the last minute, as is `errorsPerSecond`. */
  callsPerSecond: number;
  errorsPerSecond: number;
  meanMillis: number;
  secondsSinceLast: number;
}

export interface Architecture {
  region: string;
  account: string;
  /** Accounts and regions in which something was called. */
  tenants: Tenant[];
  /** The region's time, which may be ahead of the machine's. */
  now: string;
  edges: Edge[];
  /** ARNs. */
  nodes: string[];
}

export interface Entry {
  time: string;
  text: string;
  /** How a message stands: `visible`, `in flight`, `delayed`; empty for everything else. */
  state: string;
  detail: string;
  /** A trace id, or empty. */
  trace: string;
}

export interface Row {
  cells: string[];
  /** Empty where there is nothing to open. */
  arn: string;
  /** The prefix that the row stands for; empty for everything but folders. */
  folder: string;
  detail: string;
}

/** A page of a list. */
export interface Section {
  id: string;
  title: string;
  columns: string[];
  rows: Row[];
  /** What to ask for the page after this; empty on the last one. */
  next: string;
  takesPrefix: boolean;
  error: string;
}

export interface Part {
  prefix?: string;
  after?: string;
}

export interface KindCount {
  id: string;
  count: number;
  /** There are more than were counted. */
  isCut: boolean;
  error: string;
}

export interface Hit {
  kind: string;
  name: string;
  arn: string;
}

export interface Described {
  title: string;
  /** Why it could not be read. */
  error: string;
  sections: Section[];
  /** Longer texts with their titles. */
  documents: { title: string; text: string }[];
  facts: [string, string][];
  /** Messages that lie in a queue, the oldest first. */
  waiting: Entry[];
  recent: Entry[];
}

export interface Hop {
  id: string;
  /** Empty where the trace begins. */
  parent: string;
  name: string;
  resource: string;
  /** Milliseconds since the epoch. */
  start: number;
  durationMicros: number;
  /** Empty when the hop went well. */
  error: string;
}

export interface Mail {
  time: string;
  from: string;
  to: string;
  subject: string;
  body: string;
}

/** `null`: this region has no such page. */
export async function architecture(): Promise<Architecture | null> {
  const answer = await get("api/architecture");
  return answer && {
    region: text(answer.region),
    account: text(answer.account),
    tenants: list(answer.tenants).map((tenant) => ({ account: text(tenant.account), region: text(tenant.region) })),
    now: text(answer.now),
    edges: list(answer.edges).map(edge),
    nodes: list(answer.nodes).map((node) => text(node.arn)),
  };
}

/** How many resources of each kind there are. */
export async function counts(tenant: Tenant | undefined): Promise<KindCount[] | null> {
  const answer = await get(`api/resources?${query(tenant, {})}`);
  return answer && list(answer.kinds).map((kind) => ({
    id: text(kind.id),
    count: number(kind.count),
    isCut: kind.is_cut === true,
    error: text(kind.error),
  }));
}

export async function resources(kind: string, part: Part, tenant: Tenant | undefined): Promise<Section | null> {
  const answer = await get(`api/resources?${query(tenant, { kind, ...part })}`);
  return answer && section(answer);
}

export async function search(words: string, tenant: Tenant | undefined): Promise<{ hits: Hit[]; isCut: boolean }> {
  const answer = (await get(`api/search?${query(tenant, { text: words })}`)) ?? {};
  const hits = list(answer.hits).map((hit) => ({ kind: text(hit.kind), name: text(hit.name), arn: text(hit.arn) }));
  return { hits, isCut: answer.is_cut === true };
}

/** A page of one of a resource's lists. */
export async function sectionOf(arn: string, id: string, part: Part, tenant: Tenant | undefined): Promise<Section | null> {
  const answer = await get(`api/node?${query(tenant, { arn, section: id, ...part })}`);
  return answer && section(answer);
}

export async function describe(arn: string, tenant: Tenant | undefined): Promise<Described | null> {
  const answer = await get(`api/node?${query(tenant, { arn })}`);
  return answer && {
    title: text(answer.title),
    error: text(answer.error),
    sections: list(answer.sections).map(section),
    documents: list(answer.documents).map((document) => ({ title: text(document.title), text: text(document.text) })),
    facts: (Array.isArray(answer.facts) ? answer.facts : [])
      .filter(Array.isArray)
      .map(([name, value]): [string, string] => [text(name), text(value)]),
    waiting: list(answer.waiting).map(entry),
    recent: list(answer.recent).map(entry),
  };
}

export async function trace(id: string): Promise<Hop[] | null> {
  const answer = await get(`api/trace?id=${encodeURIComponent(id)}`);
  return answer && list(answer.hops).map(hop);
}

export async function mails(): Promise<Mail[] | null> {
  const answer = await get("mail");
  return answer && list(answer.mails).map((mail) => ({
    time: text(mail.time),
    from: text(mail.from),
    to: text(mail.to),
    subject: text(mail.subject),
    body: text(mail.body),
  }));
}

type Json = Record<string, unknown>;

/** A region that does not answer within this is taken to be away. */
const PATIENCE_MILLIS = 5000;

async function get(path: string): Promise<Json | null> {
  const response = await fetch(`./${path}`, {
    headers: { accept: "application/json" },
    signal: AbortSignal.timeout(PATIENCE_MILLIS),
  });
  if (response.status === 404) return null;
  const answer: unknown = await response.json().catch(() => null);
  const json = isObject(answer) ? answer : {};
  if (!response.ok) throw new Error(text(json.error) || `the region answered ${response.status}`);
  return json;
}

function query(tenant: Tenant | undefined, parameters: Record<string, string | undefined>): string {
  const given = Object.entries({ ...tenant, ...parameters }).filter(([, value]) => value);
  return given.map(([name, value]) => `${name}=${encodeURIComponent((value ?? "").toWellFormed())}`).join("&");
}

function section(json: Json): Section {
  return {
    id: text(json.id),
    title: text(json.title),
    columns: (Array.isArray(json.columns) ? json.columns : []).map(text),
    rows: list(json.rows).map((row) => ({
      cells: (Array.isArray(row.cells) ? row.cells : []).map(text),
      arn: text(row.arn),
      folder: text(row.folder),
      detail: text(row.detail),
    })),
    next: text(json.next),
    takesPrefix: json.takes_prefix === true,
    error: text(json.error),
  };
}

function entry(json: Json): Entry {
  return {
    time: text(json.time),
    text: text(json.text),
    state: text(json.state),
    detail: text(json.detail),
    trace: text(json.trace),
  };
}

function edge(json: Json): Edge {
  return {
    from: text(json.from),
    to: text(json.to),
    operation: text(json.operation),
    calls: number(json.calls),
    errors: number(json.errors),
    callsPerSecond: number(json.calls_per_second),
    errorsPerSecond: number(json.errors_per_second),
    meanMillis: number(json.mean_millis),
    secondsSinceLast: number(json.seconds_since_last),
  };
}

function hop(json: Json): Hop {
  const parent = text(json.parent);
  return {
    id: text(json.id),
    parent: parent === "0" ? "" : parent,
    name: text(json.name),
    resource: text(json.resource),
    start: Date.parse(text(json.start)) || 0,
    durationMicros: number(json.duration_micros),
    error: text(json.error),
  };
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function list(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function text(value: unknown): string {
  if (typeof value === "string") return value;
  return value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
}

function number(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}
