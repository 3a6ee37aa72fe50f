/** Icons of 24 × 24, as strokes; drawn for this page. */

import { svg } from "./dom.ts";

const PATHS: Record<string, string[]> = {
  client: ["M4 5h16v10H4z", "M2.5 19h19", "M10 19l.6-4h2.8l.6 4"],
  email: ["M3.5 6h17v12h-17z", "M3.5 7.5 12 13.5l8.5-6"],
  sqs: ["M3 8h4v8H3z", "M10 8h4v8h-4z", "M17 9.5h1.5L21 12l-2.5 2.5H17"],
  lambda: ["M9 4C6 4 7.5 10.5 4.5 12 7.5 13.5 6 20 9 20", "M15 4c3 0 1.5 6.5 4.5 8-3 1.5-1.5 8-4.5 8", "M12.6 8.5 10.8 12.2h2.6L11.5 15.7"],
  dynamodb: ["M4 5.5h16v13H4z", "M4 10h16", "M4 14.3h16", "M10 10v8.5"],
  sns: ["M12 12m-1.8 0a1.8 1.8 0 1 0 3.6 0a1.8 1.8 0 1 0-3.6 0", "M7.6 7.6a6.2 6.2 0 0 0 0 8.8", "M16.4 7.6a6.2 6.2 0 0 1 0 8.8", "M4.8 4.8a10.2 10.2 0 0 0 0 14.4", "M19.2 4.8a10.2 10.2 0 0 1 0 14.4"],
  "execute-api": ["M12 3.5v17", "M3 9h6", "M6.5 6 9.5 9l-3 3", "M21 15h-6", "M17.5 12l-3 3 3 3"],
  s3: ["M4.5 6.5h15l-2 12.5h-11z", "M3.5 6.5h17", "M6 13h12"],
  logs: ["M5 5.5h14", "M5 10h9", "M5 14.5h12", "M5 19h6"],
  iam: ["M12 8.5m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0", "M5 19.5c.6-4 3.3-5.5 7-5.5s6.4 1.5 7 5.5"],
  events: ["M4 12h5", "M15 6h5", "M15 12h5", "M15 18h5", "M15 6c-4 0-2 6-6 6 4 0 2 6 6 6"],
  scheduler: ["M12 12m-8 0a8 8 0 1 0 16 0a8 8 0 1 0-16 0", "M12 7v5l3.5 2"],
  pipes: ["M3 9h5v6H3z", "M16 9h5v6h-5z", "M8 12h8"],
  dax: ["M4 5.5h16v13H4z", "M12.5 7.5 9 12.5h3l-.8 4 3.8-5.2h-3z"],
  "application-autoscaling": ["M8 19V6", "M4.5 9.5 8 6l3.5 3.5", "M16 5v13", "M12.5 14.5 16 18l3.5-3.5"],
  glacier: ["M4 7h16v4H4z", "M5.5 11v8h13v-8", "M10 14.5h4"],
  kms: ["M8.5 12m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0", "M12.5 12H21v3.5", "M17.5 12v2.5"],
  secretsmanager: ["M6 10.5h12v9H6z", "M8.5 10.5V8a3.5 3.5 0 0 1 7 0v2.5", "M12 14v2.5"],
  ssm: ["M5 7h9", "M18 7h1", "M16 5v4", "M5 12h2", "M11 12h8", "M9 10v4", "M5 17h8", "M17 17h2", "M15 15v4"],
  other: ["M12 3.5 19.5 7.8v8.4L12 20.5l-7.5-4.3V7.8z", "M4.5 7.8 12 12l7.5-4.2", "M12 12v8.5"],
};

const SAME: Record<string, string> = { apigateway: "execute-api", sts: "iam", kinesis: "sqs" };

export function icon(kind: string): SVGElement {
  return strokes(PATHS[SAME[kind] ?? kind] ?? PATHS["other"] ?? []);
}

const SIGNS = {
  plus: ["M12 6v12", "M6 12h12"],
  minus: ["M6 12h12"],
  fit: ["M5 9V5h4", "M15 5h4v4", "M19 15v4h-4", "M9 19H5v-4"],
  close: ["M7 7l10 10", "M17 7 7 17"],
  back: ["M14 6l-6 6 6 6"],
  inbox: ["M3.5 6h17v12h-17z", "M3.5 7.5 12 13.5l8.5-6"],
  search: ["M10.5 10.5m-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0", "M15 15l5 5"],
  theme: ["M12 12m-7.5 0a7.5 7.5 0 1 0 15 0a7.5 7.5 0 1 0-15 0", "M12 4.5v15", "M12 8.5h6", "M12 12h7.3", "M12 15.5h6"],
  menu: ["M4 7h16", "M4 12h16", "M4 17h16"],
  architecture: ["M4 5h6v5H4z", "M14 14h6v5h-6z", "M7 10v6.5h7"],
  trace: ["M4 6h9", "M8 12h8", "M13 18h7"],
};

export function sign(name: keyof typeof SIGNS): SVGElement {
  return strokes(SIGNS[name]);
}

export function logo(): SVGElement {
  return svg(
    "svg",
    { viewBox: "0 0 32 32", class: "logo", "aria-hidden": "true" },
    svg("rect", { width: 32, height: 32, rx: 8 }),
    ...["M8 11h12", "M12 16h13", "M7 21h13"].map((d) => svg("path", { d })),
  );
}

function strokes(paths: string[]): SVGElement {
  return svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, ...paths.map((d) => svg("path", { d })));
}
