/** What the region tells the console. Answers are read leniently: a missing field is an empty one. */

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

export interface Described {
  title: string;
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
    now: text(answer.now),
    edges: list(answer.edges).map(edge),
    nodes: list(answer.nodes).map((node) => text(node.arn)),
  };
}

export async function describe(arn: string): Promise<Described | null> {
  const answer = await get(`api/node?arn=${encodeURIComponent(arn)}`);
  return answer && {
    title: text(answer.title),
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
