// Runs Node.js functions: the Lambda Runtime API's client, one invocation at a time.
//
// Starting is what a cold function waits for, so HTTP is spoken over a plain socket, and the loader of ES modules
// comes in only for functions that are such modules.
'use strict';

const net = require('net');
const path = require('path');
const fs = require('fs');

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');

/** One kept-alive connection to the Runtime API. */
class Connection {
  constructor() {
    this.chunks = [];
    this.length = 0;
    this.waiting = null;
    this.socket = net.connect({ host, port: Number(port || 80), noDelay: true });
    this.socket.on('data', (chunk) => {
      this.chunks.push(chunk);
      this.length += chunk.length;
      this.deliver();
    });
    const lost = () => process.exit(1);
    this.socket.on('error', lost);
    this.socket.on('close', lost);
  }

  /** Sends a request; resolves to { status, headers, body }. */
  request(method, where, body, headers) {
    const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(body);
    let head = `${method} /2018-06-01/runtime/${where} HTTP/1.1\r\nHost: ${host}:${port}\r\n`;
    head += `Content-Length: ${bytes.length}\r\n`;
    for (const name in headers) head += `${name}: ${headers[name]}\r\n`;
    this.socket.ref();
    this.socket.write(bytes.length ? Buffer.concat([Buffer.from(head + '\r\n', 'latin1'), bytes]) : head + '\r\n');
    return new Promise((resolve) => {
      this.waiting = { resolve, head: null };
      this.deliver();
    });
  }

  deliver() {
    const waiting = this.waiting;
    if (!waiting || this.length === 0) return;
    if (!waiting.head) {
      const data = this.joined();
      const end = data.indexOf('\r\n\r\n');
      if (end < 0) return;
      const [status, ...lines] = data.toString('latin1', 0, end).split('\r\n');
      const headers = {};
      for (const line of lines) {
        const colon = line.indexOf(':');
        headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
      }
      const size = Number(headers['content-length'] || 0);
      waiting.head = { status: Number(status.split(' ')[1]), headers, start: end + 4, end: end + 4 + size };
    }
    const { status, headers, start, end } = waiting.head;
    if (this.length < end) return;
    const data = this.joined();
    this.chunks = data.length > end ? [data.subarray(end)] : [];
    this.length = data.length - end;
    this.waiting = null;
    // What keeps the process alive from here on is the function's own work.
    this.socket.unref();
    waiting.resolve({ status, headers, body: data.subarray(start, end) });
  }

  joined() {
    if (this.chunks.length > 1) this.chunks = [Buffer.concat(this.chunks, this.length)];
    return this.chunks[0];
  }
}

class Fault extends Error {
  constructor(name, message) {
    super(message);
    this.name = name;
  }
}

/** The handler that `name` stands for: `file.function`, `folder/file.function`, with nested exports. */
async function load(name, root) {
  const base = path.basename(name);
  const match = base.match(/^([^.]*)\.(.+)$/);
  if (!match || name.includes('..')) {
    throw new Fault('Runtime.MalformedHandlerName', 'Bad handler');
  }
  const file = path.join(root, name.slice(0, name.length - base.length), match[1]);
  let handler = await loadModule(file);
  for (const part of match[2].split('.')) handler = handler && handler[part];
  if (handler === undefined || handler === null) {
    throw new Fault('Runtime.HandlerNotFound', `${name} is undefined or not exported`);
  }
  if (typeof handler !== 'function') {
    throw new Fault('Runtime.HandlerNotFound', `${name} is not a function`);
  }
  return handler;
}

function isModuleFolder(folder, root) {
  for (;;) {
    try {
      return JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')).type === 'module';
    } catch (error) {
      if (error.code !== 'ENOENT') return false;
    }
    if (folder === root || folder === path.dirname(folder)) return false;
    folder = path.dirname(folder);
  }
}

async function loadModule(file) {
  const root = process.env.LAMBDA_TASK_ROOT;
  const imported = async (full) => {
    const module = await import(require('url').pathToFileURL(full).href);
    return module.default && typeof module.default === 'object' ? { ...module.default, ...module } : module;
  };
  try {
    if (fs.existsSync(`${file}.js`)) {
      return isModuleFolder(path.dirname(file), root) ? await imported(`${file}.js`) : require(`${file}.js`);
    }
    if (fs.existsSync(`${file}.mjs`)) return await imported(`${file}.mjs`);
    if (fs.existsSync(`${file}.cjs`)) return require(`${file}.cjs`);
    return require(require.resolve(file, { paths: [root] }));
  } catch (error) {
    if (error instanceof SyntaxError) {
      const fault = new Fault('Runtime.UserCodeSyntaxError', `SyntaxError: ${error.message}`);
      fault.stack = error.stack;
      throw fault;
    }
    if (error.code === 'MODULE_NOT_FOUND' || error.code === 'ERR_MODULE_NOT_FOUND') {
      const fault = new Fault('Runtime.ImportModuleError', `Error: ${error.message}`);
      fault.stack = error.stack;
      throw fault;
    }
    throw error;
  }
}

function errorAnswer(error) {
  if (error instanceof Error || (error && typeof error === 'object' && 'message' in error && 'stack' in error)) {
    return {
      errorType: error.name || 'Error',
      errorMessage: String(error.message),
      trace: String(error.stack || '').split('\n'),
    };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

let currentRequest = '';

const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

/** A JSON line: text and errors have their own members, one object is the message itself. */
function jsonLine(level, values, format) {
  const line = { timestamp: new Date().toISOString(), level, requestId: currentRequest || undefined };
  const plain = (error) => ({ errorType: error.name, errorMessage: error.message, stackTrace: String(error.stack || '').split('\n') });
  const error = values.find((value) => value instanceof Error);
  if (values.length === 1 && !error && typeof values[0] === 'object') line.message = values[0];
  else line.message = format(...values);
  if (error) Object.assign(line, plain(error));
  try {
    return JSON.stringify(line, (name, value) => (value instanceof Error ? plain(value) : value));
  } catch {
    return JSON.stringify({ ...line, message: format(...values) });
  }
}

/** `console.log` and its kin write Lambda's lines: time, request id, level, message; or all of it as JSON. */
function setUpConsole() {
  const { format } = require('util');
  const isJson = process.env.AWS_LAMBDA_LOG_FORMAT === 'JSON';
  const least = Math.max(0, LEVELS.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL));
  const text = (level, values) =>
    `${new Date().toISOString()}\t${currentRequest || 'undefined'}\t${level}\t${format(...values).replace(/\n/g, '\r')}`;
  const write = (level, values) => {
    if (isJson && LEVELS.indexOf(level) < least) return;
    const line = `${isJson ? jsonLine(level, values, format) : text(level, values)}\n`;
    try {
      fs.writeSync(1, line);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      process.stdout.write(line);
    }
  };
  const levels = { log: 'INFO', info: 'INFO', debug: 'DEBUG', trace: 'TRACE', warn: 'WARN', error: 'ERROR' };
  for (const name in levels) console[name] = (...values) => write(levels[name], values);
  console.fatal = (...values) => write('FATAL', values);
}

function makeContext(headers) {
  const deadline = Number(headers['lambda-runtime-deadline-ms'] || 0);
  const parsed = (name) => (headers[name] ? JSON.parse(headers[name]) : undefined);
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parsed('lambda-runtime-client-context'),
    identity: parsed('lambda-runtime-cognito-identity'),
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    tenantId: headers['lambda-runtime-aws-tenant-id'],
    getRemainingTimeInMillis: () => Math.max(deadline - Date.now(), 0),
  };
}

/** Resolves when nothing is left to do in the event loop. */
const idle = () => new Promise((resolve) => process.once('beforeExit', resolve));

/** Runs a handler of any form: async, with a callback, or with the context's methods. */
function run(handler, event, context) {
  return new Promise((resolve, reject) => {
    let isDone = false;
    const settle = (error, result) => {
      if (isDone) return;
      isDone = true;
      const finish = () => (error ? reject(error) : resolve(result));
      if (context.callbackWaitsForEmptyEventLoop) idle().then(finish);
      else finish();
    };
    context.done = settle;
    context.succeed = (result) => { context.callbackWaitsForEmptyEventLoop = false; settle(null, result); };
    context.fail = (error) => { context.callbackWaitsForEmptyEventLoop = false; settle(error || 'handled', null); };
    const returned = handler(event, context, settle);
    if (returned && typeof returned.then === 'function') {
      returned.then(resolve, reject);
    } else if (handler.length < 3) {
      // Nobody can call back: what is returned counts once the event loop is empty.
      idle().then(() => { if (!isDone) resolve(returned === undefined ? null : returned); });
    } else {
      // A callback that is never called ends the invocation with null when there is nothing left to do.
      idle().then(() => { if (!isDone) resolve(null); });
    }
  });
}

function logError(title, answer) {
  if (process.env.AWS_LAMBDA_LOG_FORMAT === 'JSON') {
    const { errorType, errorMessage, trace } = answer;
    console.error({ errorType, errorMessage, stackTrace: trace });
    return;
  }
  console.error(`${title} `, JSON.stringify({ errorType: answer.errorType, errorMessage: answer.errorMessage, stack: answer.trace }));
}

async function main() {
  const connection = new Connection();
  const failed = async (where, title, error) => {
    const answer = errorAnswer(error);
    logError(title, answer);
    await connection.request('POST', where, JSON.stringify(answer), {
      'Content-Type': 'application/json',
      'Lambda-Runtime-Function-Error-Type': answer.errorType.replace(/[^\x20-\x7e]/g, '?'),
    });
  };
  setUpConsole();
  const uncaught = (kind, title) => async (error) => {
    const wrapped = kind === 'Runtime.UnhandledPromiseRejection'
      ? Object.assign(new Fault(kind, String(error)), { stack: (error && error.stack) || String(error) })
      : error;
    connection.waiting = null;
    const where = currentRequest ? `invocation/${currentRequest}/error` : 'init/error';
    await failed(where, title, wrapped);
    process.exit(128 + 1);
  };
  process.on('uncaughtException', uncaught('', 'Uncaught Exception'));
  process.on('unhandledRejection', uncaught('Runtime.UnhandledPromiseRejection', 'Unhandled Promise Rejection'));
  let handler;
  try {
    handler = await load(process.env._HANDLER || '', process.env.LAMBDA_TASK_ROOT);
  } catch (error) {
    await failed('init/error', 'Uncaught Exception', error);
    process.exit(1);
  }
  for (;;) {
    currentRequest = '';
    const next = await connection.request('GET', 'invocation/next');
    if (next.status !== 200) throw new Error(`the Runtime API answered ${next.status} to a request for an event`);
    currentRequest = next.headers['lambda-runtime-aws-request-id'];
    const trace = next.headers['lambda-runtime-trace-id'];
    if (trace) process.env._X_AMZN_TRACE_ID = trace;
    const at = `invocation/${currentRequest}`;
    try {
      const event = next.body.length ? JSON.parse(next.body.toString('utf8')) : undefined;
      const result = await run(handler, event, makeContext(next.headers));
      let text;
      try {
        text = JSON.stringify(result === undefined ? null : result);
      } catch (error) {
        throw new Fault('Runtime.MarshalError', `Unable to stringify response body: ${error.message}`);
      }
      await connection.request('POST', `${at}/response`, text === undefined ? 'null' : text, {
        'Content-Type': 'application/json',
      });
    } catch (error) {
      await failed(`${at}/error`, 'Invoke Error', error);
    }
  }
}

main();
