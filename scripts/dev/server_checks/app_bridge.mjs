// The app in a window of jsdom, with the official host's half (AppBridge) at its other end: node app_bridge.mjs PAGE.html RESULT.json PLAIN.json
import { readFileSync } from 'node:fs';
import { JSDOM, VirtualConsole } from 'jsdom';
import { AppBridge } from '@modelcontextprotocol/ext-apps/app-bridge';

const [page, drawn, plain] = process.argv.slice(2).map((name) => readFileSync(name, 'utf8'));
const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const until = async (holds) => { for (let count = 0; count < 400 && !holds(); count += 1) await wait(50); };
const faults = [];
const check = (holds, what) => { if (!holds) faults.push(what); };

function openApp(resources, capabilities) {
  const quiet = new VirtualConsole();
  quiet.on('jsdomError', (error) => faults.push(`script: ${error.message}`));
  const host = { toHost: [], handler: null };
  const transport = {
    async start() {},
    async send(message) { dom.window.dispatchEvent(new dom.window.MessageEvent('message', { data: message, source: parent })); },
    async close() {},
  };
  const parent = { postMessage: (message) => { host.toHost.push(message); setTimeout(() => transport.onmessage?.(message), 0); } };
  const bridge = new AppBridge(null, { name: 'host', version: '1' }, capabilities, { hostContext: { theme: 'dark' } });
  const events = { initialized: false, sizes: [] };
  bridge.addEventListener?.('initialized', () => { events.initialized = true; });
  bridge.addEventListener?.('sizechange', (size) => events.sizes.push(size));
  bridge.onreadresource = async ({ uri }) => ({ contents: [{ uri, mimeType: 'text/html', text: resources[uri] }] });
  let dom;
  const ready = bridge.connect(transport).then(() => {
    dom = new JSDOM(page, {
      runScripts: 'dangerously', pretendToBeVisual: true, virtualConsole: quiet, url: 'https://app.invalid/',
      beforeParse(window) {
        Object.defineProperty(window, 'parent', { value: parent });
        window.SVGElement.prototype.getBBox = () => ({ x: 0, y: 0, width: 10, height: 10 });
        window.CSS = { escape: (text) => text };
      },
    });
    return dom;
  });
  return { bridge, events, host, ready };
}

async function run(name, result, resources, capabilities, look) {
  const { bridge, events, host, ready } = openApp(resources, capabilities);
  const dom = await ready;
  const told = () => host.toHost.some((message) => message.method === 'ui/notifications/size-changed');
  await until(() => events.initialized && told());
  check(events.initialized, `${name}: the app did not initialize`);
  check(told(), `${name}: no size was told`);
  check(dom.window.document.documentElement.dataset.theme === 'dark', `${name}: the host's theme is not worn`);
  await bridge.sendToolInput({ arguments: { model: 'Qwen/Qwen3.5-397B-A17B' } });
  await until(() => /Qwen3.5/.test(dom.window.document.body.textContent));
  check(/Qwen3.5/.test(dom.window.document.body.textContent), `${name}: the input is not shown`);
  await bridge.sendToolResult(result);
  await until(() => dom.window.document.querySelector('#canvas, #plain'));
  await wait(200);
  look(dom.window.document, name);
  dom.window.dispatchEvent(new dom.window.MessageEvent('message', { data: { jsonrpc: '2.0', method: 'ui/notifications/tool-cancelled', params: {} }, source: {} }));
  const torn = await Promise.race([bridge.teardownResource({}).then(() => true), wait(20000).then(() => false)]);
  check(torn, `${name}: teardown was not answered`);
  dom.window.close();
}

const viewer = (document, name) => {
  check(document.querySelectorAll('svg#canvas .node').length > 5, `${name}: the figure is not shown`);
  check(document.querySelector('#rows'), `${name}: the details are not there`);
  const first = document.querySelector('svg#canvas .node');
  first?.dispatchEvent(new document.defaultView.MouseEvent('click', { bubbles: true }));
  check(!document.querySelector('#about')?.hasAttribute('hidden'), `${name}: a click shows no details`);
};
const picture = (document, name) => check(document.querySelector('#plain img')?.src.startsWith('data:image/png'), `${name}: no picture`);

const carried = JSON.parse(drawn), bare = JSON.parse(plain);
const file = carried.structuredContent.files.find((each) => each.format === 'html');
const { _meta, ...without } = carried;
await run('carried page', carried, {}, {}, viewer);
await run('read page', without, { [file.uri]: _meta['archviz/page'] }, { serverResources: {} }, viewer);
await run('picture', bare, {}, {}, picture);
console.log(JSON.stringify({ ok: faults.length === 0, faults }));
process.exit(faults.length ? 1 : 0);
