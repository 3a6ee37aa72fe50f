/** What is shown, as the part of the page's address after `#`, so that it can be linked to. */

export interface Tenant {
  account: string;
  region: string;
}

export interface Address {
  /** `architecture`, or a kind of resources. */
  page: string;
  /** What the panel shows: an ARN, `trace:ID`, `inbox`, `client`, `mailto:...`; empty while it is closed. */
  open: string;
  /** Whose resources; the region's own when left out. */
  tenant?: Tenant;
}

export const ARCHITECTURE = "architecture";

const TENANT = /^(\d{12})\.([a-z]{2}(?:-[a-z]+)+-\d)$/;

/** `#/PAGE/OPEN`, or `#/ACCOUNT.REGION/PAGE/OPEN`. What is no such thing means the architecture. */
export function parse(hash: string): Address {
  let rest = hash.replace(/^#?\/?/, "");
  const take = (): string => {
    const end = rest.indexOf("/");
    const part = end < 0 ? rest : rest.slice(0, end);
    rest = end < 0 ? "" : rest.slice(end + 1);
    return part;
  };
  let first = take();
  const tenant = TENANT.exec(first);
  if (tenant) first = take();
  const address: Address = { page: first || ARCHITECTURE, open: decode(rest) };
  if (tenant?.[1] && tenant[2]) address.tenant = { account: tenant[1], region: tenant[2] };
  return address;
}

export function format({ page, open, tenant }: Address): string {
  const parts = tenant ? [`${tenant.account}.${tenant.region}`] : [];
  if (tenant || open || page !== ARCHITECTURE) parts.push(page);
  if (open) parts.push(encode(open));
  return `#/${parts.join("/")}`;
}

/** ARNs stay readable: of what is encoded usually, colons, slashes and a few more do no harm after `#`. */
function encode(text: string): string {
  // Half a surrogate pair cannot be encoded.
  return encodeURIComponent(text.toWellFormed()).replace(/%(3A|2F|40|2B|2C|3D|24)/g, (code) => decodeURIComponent(code));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
