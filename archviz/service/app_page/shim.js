'use strict';
// What an MCP App says and hears: JSON-RPC between this window and its host, nothing else. It trusts its host and no other window.
(() => {
  const VERSION = '2026-01-26', HEIGHT = 640, PAGE = 'archviz/page';
  const waiting = new Map();
  let next = 0, host = {}, theme = null;

  const post = (message) => parent.postMessage({ jsonrpc: '2.0', ...message }, '*');
  const tell = (method, params) => post({ method, params });
  const ask = (method, params) => new Promise((resolve, reject) => {
    next += 1;
    waiting.set(next, { resolve, reject });
    post({ id: next, method, params });
  });

  const say = (text) => {
    const line = document.getElementById('waiting');
    if (line) line.textContent = text;
  };

  function wear(context) {
    if (context && (context.theme === 'light' || context.theme === 'dark')) {
      theme = context.theme;
      document.documentElement.dataset.theme = theme;
    }
  }

  // The page that the server drew: its styles, its body, and then its script, which finds both.
  function show(text) {
    const page = new DOMParser().parseFromString(text, 'text/html');
    for (const old of document.head.querySelectorAll('style[data-drawn]')) old.remove();
    for (const style of page.head.querySelectorAll('style')) {
      const own = document.createElement('style');
      if (style.id) own.id = style.id;
      own.dataset.drawn = '';
      own.textContent = style.textContent;
      document.head.append(own);
    }
    const scripts = [...page.body.querySelectorAll('script')];
    for (const script of scripts) script.remove();
    document.documentElement.dataset.theme = theme || page.documentElement.dataset.theme || 'light';
    document.title = page.title;
    document.body.replaceChildren(...page.body.childNodes);
    for (const script of scripts) {
      const own = document.createElement('script');
      if (script.id) own.id = script.id;
      if (script.type) own.type = script.type;
      own.textContent = script.textContent;
      document.body.append(own);
    }
  }

  // A host that hands on neither metadata nor resources still has the picture and the text.
  function showPlain(result) {
    const frame = document.createElement('main');
    frame.id = 'plain';
    for (const item of result.content || []) {
      if (item.type === 'image' && /^image\/(png|jpeg)$/.test(item.mimeType)) {
        const picture = document.createElement('img');
        picture.src = `data:${item.mimeType};base64,${item.data}`;
        picture.alt = (result.structuredContent || {}).title || 'The drawn architecture';
        frame.append(picture);
      }
    }
    if (result.isError || !frame.childElementCount) {
      const words = document.createElement('pre');
      const said = result.structuredContent || {};
      words.textContent = said.message || said.title || 'Nothing was drawn.';
      frame.append(words);
    }
    document.body.replaceChildren(frame);
  }

  async function drawn(result) {
    const carried = (result._meta || {})[PAGE];
    if (typeof carried === 'string') return show(carried);
    const file = ((result.structuredContent || {}).files || []).find((each) => each.format === 'html');
    if (file && host.serverResources) {
      try {
        const read = await ask('resources/read', { uri: file.uri });
        return show(read.contents[0].text);
      } catch (error) {
        say('The page cannot be read.');
      }
    }
    return showPlain(result);
  }

  const heard = {
    'ui/notifications/tool-input': (params) => say(`Drawing ${(params.arguments || {}).model || 'the figure'} …`),
    'ui/notifications/tool-result': drawn,
    'ui/notifications/tool-cancelled': () => say('The drawing was cancelled.'),
    'ui/notifications/host-context-changed': wear,
  };

  addEventListener('message', (event) => {
    if (event.source !== parent) return;
    const message = event.data;
    if (!message || message.jsonrpc !== '2.0') return;
    if (message.method && message.id !== undefined) {
      const known = message.method === 'ping' || message.method === 'ui/resource-teardown';
      post(known ? { id: message.id, result: {} } : { id: message.id, error: { code: -32601, message: 'Method not found' } });
    } else if (message.method) {
      const act = heard[message.method];
      if (act) act(message.params || {});
    } else if (waiting.has(message.id)) {
      const { resolve, reject } = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.error) reject(new Error(message.error.message)); else resolve(message.result);
    }
  });

  ask('ui/initialize', {
    appInfo: { name: 'archviz', version: '1' },
    appCapabilities: { availableDisplayModes: ['inline', 'fullscreen'] },
    protocolVersion: VERSION,
  }).then((result) => {
    host = result.hostCapabilities || {};
    wear(result.hostContext);
    tell('ui/notifications/initialized', {});
    tell('ui/notifications/size-changed', { width: document.documentElement.clientWidth, height: HEIGHT });
  }).catch(() => say('The host did not answer.'));
})();
