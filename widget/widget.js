/* Mesoguide's chat for a website: one custom element, no framework, no build step.
 *
 *   <script src="https://bot.clinic.example/chat/widget.js" defer></script>
 *
 * Everything a user or the server says becomes text nodes: there is no HTML sink, no inline style
 * and no eval, so it works under a strict Content-Security-Policy and Trusted Types.
 * Attributes, theming and the iframe: docs/website.md.
 */
(() => {
  'use strict';

  // -- words: every text that is shown and does not come from the server

  const STRINGS = {
    title: 'Questions about hair mesotherapy',
    open: 'Open the chat', close: 'Close the chat', log: 'Conversation',
    label: 'Your question', placeholder: 'Type your question', send: 'Send',
    you: 'You:', bot: 'Bot:', typing: 'The bot is writing',
    notice: 'Not medical advice. Talk to a doctor. In an emergency, call your local emergency number.',
    greeting: 'Hello. I am an AI bot, not a person and not a doctor.',
    error: 'Sorry, I am not working right now. In an emergency, call your local emergency number. For health questions, talk to a doctor.',
    offline: 'You are offline. Your message was not sent.', failed: 'Your message was not answered.',
    slower: 'Too many messages. Please wait a little.', retry: 'Try again',
    long: 'This message is too long. Please make it shorter.',
    important: 'Important', sources: 'Sources', section: 'Section:', read: 'read on', next: 'You could ask',
    differ: 'Two sides', emergency: 'Call emergency services:', clinic: 'Call the clinic:', crisis: 'Call a crisis line:',
    helpful: 'Was this helpful?', up: 'Yes', down: 'No', thanks: 'Thank you.', why: 'What was wrong? (optional)',
    wrong: 'It is wrong', unclear: 'It is unclear', not_asked: 'Not what I asked', other: 'Something else',
    erase: 'Delete my conversation', sure: 'Delete the whole conversation? It cannot be brought back.',
    yes: 'Delete', no: 'Keep', copy: 'Save a copy', erased: 'Your conversation was deleted.', kept: 'It could not be deleted. Please try again.',
  };

  const script = document.currentScript;
  const given = script ? script.dataset : {};
  const words = { ...STRINGS, ...table(given.strings) };
  for (const name of Object.keys(STRINGS)) if (given[name]) words[name] = given[name];
  const base = new URL('.', given.server || (script ? script.src : location.href)).href;
  const framed = given.mode === 'frame';
  const KEY = `mesoguide ${base}`;
  const REASONS = ['wrong', 'unclear', 'not_asked', 'other'];
  const PATIENCE = 20000; // milliseconds; the server gives up a turn after 15 s
  const CARD = /^(emergency|urgent|self_harm)$/;
  const LONGEST = 5000;

  function table(json) {
    try { return json ? JSON.parse(json) : {}; } catch { return {}; }
  }

  // -- where the token is kept: this tab, or with data-storage="local" this browser

  const store = (() => {
    const kept = {};
    try {
      const real = given.storage === 'local' ? localStorage : sessionStorage;
      real.getItem(KEY);
      return real;
    } catch {
      return {
        getItem: (key) => kept[key] ?? null,
        setItem: (key, value) => { kept[key] = value; },
        removeItem: (key) => { delete kept[key]; },
      };
    }
  })();

  // -- style: --mesoguide-* variables and data-theme are for the page that holds the chat

  const LIGHT = '--b:#fff;--f:#1b1f23;--t:#eef3f4;--line:#66757b;--p:#0b5c6b;--on:#fff;--warn:#9a1b1b;--warnbg:#fff3f1';
  const DARK = '--b:#15191c;--f:#eef1f2;--t:#242b30;--line:#93a3aa;--p:#7fd3e3;--on:#06252b;--warn:#ffb4a8;--warnbg:#3a1613';
  const CSS = `
:host{all:initial!important;position:fixed!important;z-index:2147483000!important;inset:auto 0 0 auto!important;display:block!important}
.root{${LIGHT};font:max(1rem,16px)/1.45 var(--mesoguide-font,system-ui,sans-serif);color-scheme:light}
.dark{${DARK};color-scheme:dark}
@media (prefers-color-scheme:dark){.auto{${DARK};color-scheme:dark}}
.root>*{--bg:var(--mesoguide-background,var(--b));--fg:var(--mesoguide-text,var(--f));--bot:var(--mesoguide-tint,var(--t));--_p:var(--mesoguide-primary,var(--p));--_on:var(--mesoguide-on-primary,var(--on));--_r:var(--mesoguide-radius,12px);color:var(--fg)}
*{box-sizing:border-box;font:inherit;color:inherit;letter-spacing:normal}
button{min-width:44px;min-height:44px;padding:6px 12px;cursor:pointer;border:1px solid var(--_p);border-radius:var(--_r);background:var(--bg);color:var(--_p)}
:focus-visible{outline:3px solid var(--_p);outline-offset:2px}
button[disabled]{opacity:.6;cursor:default}
svg{width:24px;height:24px;flex:none;fill:none;stroke:currentColor;stroke-width:2;vertical-align:middle}
.launch{position:fixed;inset-block-end:max(16px,env(safe-area-inset-bottom));inset-inline-end:max(16px,env(safe-area-inset-right));width:60px;height:60px;border-radius:50%;border:2px solid var(--_on);background:var(--_p);color:var(--_on);box-shadow:0 2px 10px #0006}
dialog{position:fixed;margin:0;padding:0;inset-block:auto 90px;inset-inline:auto max(16px,env(safe-area-inset-right));width:min(max(25rem,400px),calc(100vw - 32px));height:min(max(40rem,640px),calc(100dvh - 110px));max-width:none;max-height:none;border:1px solid var(--line);border-radius:var(--_r);background:var(--bg);color:var(--fg);box-shadow:0 6px 30px #0005;overflow:clip}
dialog[open]{display:flex;flex-direction:column}
dialog.full{inset:0;width:100%;height:100dvh;border:0;border-radius:0}
.flow{overflow-y:auto!important}.flow .log{flex:none;overflow:visible}.flow form{position:sticky;inset-block-end:0}
.head{display:flex;flex-wrap:wrap;align-items:center;gap:4px;padding:4px 6px;padding-inline-start:14px;background:var(--_p);color:var(--_on)}
h2{flex:1;min-width:6em;margin:0;font-weight:600;hyphens:auto;overflow-wrap:anywhere}
.head button{border-color:transparent;background:transparent;color:var(--_on)}
.head button:focus-visible{outline-color:var(--_on);outline-offset:-4px}
.notice{margin:0;padding:8px 14px;font-size:.875em;border-block-end:1px solid var(--line);background:var(--bot)}
.log{flex:1;min-height:0;overflow-y:auto;overscroll-behavior:contain;padding:12px}
.log:focus-visible{outline-offset:-3px}
.m{width:fit-content;max-width:92%;margin:0 0 10px;padding:8px 12px;border-radius:var(--_r);background:var(--bot);overflow-wrap:anywhere}
.user{margin-inline-start:auto;background:var(--_p);color:var(--_on);white-space:pre-wrap}
.m p,.m ul,.sides,details{margin:0 0 6px}.m>:last-child{margin-block-end:0}
.m ul{padding-inline-start:20px}
h3,.warn b,summary,.why{margin:0 0 4px;font-weight:600}
.small,details{font-size:.875em}
.sides{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(13em,100%),1fr));gap:8px}
.side{padding:8px;border:1px solid var(--line);border-inline-start-width:5px;background:var(--bg)}
.side+.side{border-style:dashed;border-inline-start-style:solid}
summary{min-height:44px;padding-block:10px;cursor:pointer}
.warn{max-width:100%;border:3px solid var(--warn);background:var(--warnbg)}
.warn>b{display:flex;gap:8px;align-items:center;color:var(--warn);font-size:1.1em}
.call{display:block;min-height:44px;margin-block-start:8px;padding:10px;border:2px solid currentColor;border-radius:var(--_r);background:var(--bg);font-weight:600;text-decoration:underline}
.row{display:flex;flex-wrap:wrap;gap:8px;align-items:center;margin:0 0 10px}
.row button{text-align:start}
[aria-pressed=true]{background:var(--_p);color:var(--_on)}
.status{padding:0 14px}.dots::after{content:'…'}
@media (prefers-reduced-motion:no-preference){.dots{animation:d 1.2s ease-in-out infinite}@keyframes d{50%{opacity:.35}}}
.alert:not(:empty){display:flex;flex-wrap:wrap;gap:8px;align-items:center;margin:0;padding:8px 14px;border-block-start:2px solid var(--warn);color:var(--warn)}
form{display:flex;gap:8px;padding:10px;border-block-start:1px solid var(--line);background:var(--bg)}
textarea{flex:1;min-width:0;resize:none;field-sizing:content;min-height:calc(2.75em + 4px);max-height:7em;padding:.65em;border:1px solid var(--line);border-radius:var(--_r);background:var(--bg)}
textarea::placeholder{color:var(--fg);opacity:.75;white-space:nowrap;text-overflow:ellipsis;overflow:hidden}
form button{background:var(--_p);color:var(--_on)}
.sr{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
[hidden]{display:none!important}
@media (forced-colors:active){.m,.launch,textarea,button{border:1px solid CanvasText}.warn{border:4px double CanvasText}}
@media print{.root{display:none}}`;

  // -- building blocks

  const SVG = 'http://www.w3.org/2000/svg';
  const ICONS = {
    chat: 'M4 5h16v11H9l-5 4z', cross: 'M5 5l14 14M19 5L5 19', bin: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13',
    warn: 'M12 3L2 21h20zM12 10v5M12 18v.5',
  };

  function make(tag, props, ...children) {
    const node = document.createElement(tag);
    if (/^(p|li|h3)$/.test(tag)) node.dir = 'auto'; // English words on a page that is read from the right
    for (const [name, value] of Object.entries(props || {})) {
      if (name in node && name !== 'role') node[name] = value; else node.setAttribute(name, value);
    }
    node.append(...children.filter(Boolean));
    return node;
  }

  function icon(name) {
    const svg = document.createElementNS(SVG, 'svg');
    svg.setAttribute('viewBox', '0 0 24 24');
    svg.setAttribute('aria-hidden', 'true');
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', ICONS[name]);
    svg.append(path);
    return svg;
  }

  const button = (text, onclick, props) => make('button', { type: 'button', onclick, ...props }, text);
  const hidden = (text) => make('span', { className: 'sr' }, `${text} `);
  const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, '0')).join('');

  // -- a reply as it is shown

  /** The lines of a reply; neighbours of one kind become one list, or one pair of sides. */
  function body(message, documents) {
    const lines = message.blocks || message.reply.text.split('\n').map((text) => ({ role: 'text', text }));
    const shown = [];
    let group = null;
    for (const line of lines) {
      const kind = { detail: 'ul', side: 'sides' }[line.role];
      if (kind === 'ul') {
        if (!group || group.tagName !== 'UL') shown.push(group = make('ul'));
        group.append(make('li', null, line.text));
      } else if (kind === 'sides') {
        if (!group || group.className !== 'sides') {
          shown.push(group = make('div', { className: 'sides', role: 'group', 'aria-label': words.differ }));
        }
        const last = group.lastChild;
        if (last && last.dataset.document === line.document) last.append(make('p', null, line.text));
        else group.append(side(line, documents[line.document]));
      } else {
        group = null;
        if (line.role === 'heading') shown.push(make('h3', null, line.text));
        else if (line.role === 'sources') shown.push(sources(message.reply, line, documents));
        else shown.push(make('p', { className: line.role === 'notice' ? 'small' : '' }, line.text));
      }
    }
    return shown;
  }

  function side(line, about) {
    const label = about ? `${about.name} (${about.kind})` : line.document;
    const made = make('div', { className: 'side' }, make('p', { className: 'small why' }, label), make('p', null, line.text));
    made.dataset.document = line.document;
    return made;
  }

  function sources(reply, line, documents) {
    const ids = [...new Set(reply.sources.map((source) => source.document))];
    if (ids.some((id) => !documents[id])) return make('p', { className: 'small' }, line.text);
    return make('details', null, make('summary', null, `${words.sources} (${ids.length})`), ...ids.map((id) => {
      const about = documents[id];
      const sections = reply.sources.filter((source) => source.document === id);
      return make('div', null,
        make('p', null, `${about.name}: “${about.title}”, ${about.kind}, ${about.publisher}, ${words.read} ${about.read}.`),
        make('ul', null, ...sections.map((source) => make('li', null, `${words.section} ${source.section}`))));
    }));
  }

  function numbers(message) {
    return (message.calls || []).filter((call) => /^tel:\+?\d+$/.test(call.link)).map((call) => make('a',
      { className: 'call', href: call.link }, `${words[call.who] || ''} ${call.number}`));
  }

  // -- the element

  class MesoguideChat extends HTMLElement {
    constructor() {
      super();
      const shadow = this.attachShadow({ mode: 'open' });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(CSS);
      shadow.adoptedStyleSheets = [sheet];
      this.config = { documents: {}, starters: [], longest: LONGEST };
      this.token = store.getItem(KEY);
      this.build(shadow);
    }

    build(shadow) {
      this.log = make('div', { className: 'log', role: 'log', tabIndex: 0, 'aria-label': words.log, 'aria-live': 'off' });
      this.status = make('div', { className: 'status', role: 'status' });
      this.alert = make('div', { className: 'alert', role: 'alert' });
      this.notice = make('p', { className: 'notice', id: 'notice' }, words.notice);
      this.input = make('textarea', { id: 'input', rows: 1, placeholder: words.placeholder, autocomplete: 'off', dir: 'auto' });
      this.sender = make('button', { type: 'submit' }, words.send);
      const form = make('form', null, make('label', { className: 'sr', htmlFor: 'input' }, words.label), this.input, this.sender);
      this.eraser = button(icon('bin'), () => this.ask(), { 'aria-label': words.erase, title: words.erase });
      this.closer = button(icon('cross'), () => this.hide(), { 'aria-label': words.close, title: words.close, hidden: framed });
      this.panel = make('dialog', { id: 'panel', tabIndex: -1, 'aria-labelledby': 'title', 'aria-describedby': 'notice' },
        make('div', { className: 'head' }, make('h2', { id: 'title' }, words.title), this.eraser, this.closer),
        this.notice, this.log, this.status, this.alert, form);
      this.launch = button(icon('chat'), () => (this.panel.open ? this.hide() : this.show()), {
        className: 'launch', 'aria-label': words.open, 'aria-expanded': 'false', 'aria-controls': 'panel', 'aria-haspopup': 'dialog', hidden: framed });
      const theme = ['dark', 'light'].includes(given.theme) ? given.theme : 'auto';
      shadow.append(make('div', { className: `root ${theme}`, lang: given.lang || 'en' }, this.launch, this.panel));
      form.onsubmit = (event) => { event.preventDefault(); this.typed(); };
      this.input.onkeydown = (event) => {
        if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) { event.preventDefault(); this.typed(); }
      };
      this.panel.oncancel = (event) => { event.preventDefault(); this.hide(); };
      this.panel.onkeydown = (event) => {
        if (event.key === 'Escape' && !event.isComposing) { event.stopPropagation(); this.hide(); }
      };
      new ResizeObserver(() => this.fit()).observe(this.panel);
    }

    connectedCallback() {
      this.small = matchMedia('(max-width: 480px), (max-height: 480px)');
      this.small.onchange = () => { if (this.panel.open) { this.panel.close(); this.place(); } };
      this.heard = [
        ['offline', () => this.tell(words.offline, this.again)],
        ['online', () => (this.again ? this.tell(words.failed, this.again) : this.tell())],
      ];
      for (const [event, listener] of this.heard) addEventListener(event, listener);
      if (framed || (this.token && store.getItem(`${KEY} open`) && !this.small.matches)) this.show(framed);
    }

    disconnectedCallback() {
      for (const [event, listener] of this.heard) removeEventListener(event, listener);
    }

    // -- opening and closing

    place() {
      const full = framed || this.small.matches;
      this.panel.classList.toggle('full', full);
      this.launch.hidden = full;
      if (full && !framed) this.panel.showModal(); else this.panel.show();
    }

    async show(focus = true) {
      this.place();
      this.launch.setAttribute('aria-expanded', 'true');
      this.launch.setAttribute('aria-label', words.close);
      store.setItem(`${KEY} open`, '1');
      if (!focus) this.shadowRoot.activeElement?.blur(); else this.focusIn();
      if (!this.started) { this.started = true; await this.start(); }
    }

    hide() {
      if (framed) return;
      this.panel.close();
      this.launch.hidden = false;
      this.launch.setAttribute('aria-expanded', 'false');
      this.launch.setAttribute('aria-label', words.open);
      store.removeItem(`${KEY} open`);
      this.launch.focus();
    }

    /** A touch keyboard must not cover what is to be read. */
    focusIn() { (matchMedia('(pointer: coarse)').matches ? this.panel : this.input).focus(); }

    /** Where hardly anything of the log would be seen, the whole panel scrolls. */
    fit() {
      const others = [...this.panel.children].reduce((sum, child) => sum + (child === this.log ? 0 : child.offsetHeight), 0);
      this.panel.classList.toggle('flow', this.panel.clientHeight - others < 140);
    }

    // -- talking to the server

    async call(path, method = 'GET', sent) {
      const stop = new AbortController();
      const timer = setTimeout(() => stop.abort(), PATIENCE);
      try {
        const response = await fetch(base + path, {
          method, signal: stop.signal, credentials: 'omit', cache: 'no-store', referrerPolicy: 'no-referrer',
          headers: { ...(sent && { 'Content-Type': 'application/json' }), ...(this.token && { Authorization: `Bearer ${this.token}` }) },
          body: sent && JSON.stringify(sent),
        });
        const found = await response.json();
        if (!response.ok) throw Object.assign(new Error(found.error), { status: response.status, reply: found.message });
        return found;
      } finally { clearTimeout(timer); }
    }

    async begin() {
      this.token = (await this.call('session', 'POST', {})).token;
      store.setItem(KEY, this.token);
    }

    leave() { this.token = null; store.removeItem(KEY); }

    /** What is known before anything is asked, and what was said before a reload. */
    async start() {
      try { Object.assign(this.config, await this.call('config')); } catch { /* the built-in words do */ }
      this.notice.textContent = this.config.notice || words.notice;
      this.log.append(make('div', { className: 'm' }, hidden(words.bot), make('p', null, this.config.greeting || words.greeting),
        this.config.privacy && make('p', { className: 'small' }, this.config.privacy)));
      await this.restore();
      if (!this.log.querySelector('.user')) this.offer(this.config.starters);
      // Only now is the log live: what was said before a reload is not read out again.
      requestAnimationFrame(() => this.log.setAttribute('aria-live', 'polite'));
    }

    async restore() {
      if (!this.token) return;
      try {
        for (const message of (await this.call('history')).messages) {
          if (message.from === 'user') this.user(message.text); else this.bot(message, true);
        }
      } catch (error) {
        if (error.status === 401) this.leave();
        else this.tell(words.failed, () => { this.tell(); this.restore(); });
      }
    }

    typed() {
      const text = this.input.value.trim();
      if (!text || this.busy) return;
      if (text.length > this.config.longest) { this.tell(words.long); return; }
      this.input.value = '';
      this.say(text, newId());
    }

    /** Send a message; the same id again is a retry, and the server makes no second turn of it. */
    async say(text, id, again = false) {
      if (this.busy) return;
      this.busy = this.sender.disabled = true;
      this.tell();
      for (const old of this.log.querySelectorAll('.next,.failed')) old.remove();
      if (!again) this.user(text);
      const wait = setTimeout(() => { this.status.replaceChildren(make('span', { className: 'dots' }, words.typing)); }, 250);
      try {
        if (!this.token) await this.begin();
        let message;
        try { message = await this.call('messages', 'POST', { id, text }); } catch (error) {
          if (error.status !== 401) throw error;
          await this.begin();
          message = await this.call('messages', 'POST', { id, text });
        }
        this.bot(message);
      } catch (error) {
        this.failed(error, () => this.say(text, id, true));
      } finally {
        clearTimeout(wait);
        this.status.replaceChildren();
        this.busy = this.sender.disabled = false;
      }
    }

    /** A failure is said as a whole reply: the server's, or the fixed text that is built in. */
    failed(error, retry) {
      const spare = { reply: { kind: 'error', text: words.error, sources: [], buttons: [] } };
      const why = navigator.onLine === false ? words.offline : error.status === 429 ? words.slower : words.failed;
      this.tell(why, error.status === 400 || error.status === 413 ? null : retry);
      this.bot(error.reply || this.config.error || spare, false, 'failed');
    }

    // -- what is shown

    /** Say something beside the conversation; what can be tried again stays until it was. */
    tell(text = '', retry = null) {
      this.again = retry;
      this.alert.replaceChildren(...(text ? [make('span', null, text)] : []),
        ...(retry ? [button(words.retry, () => { this.focusIn(); retry(); })] : []));
    }

    user(text) {
      this.log.append(make('div', { className: 'm user', dir: 'auto' }, hidden(words.you), text));
      this.log.scrollTop = this.log.scrollHeight;
    }

    bot(message, old = false, extra = '') {
      const { reply } = message;
      const card = CARD.test(reply.tier || '');
      const shown = make('div', { className: `m ${extra}${card ? ' warn' : ''}` }, hidden(words.bot),
        card && make('b', null, icon('warn'), words.important), ...body(message, this.config.documents), ...numbers(message));
      if (!old && card) this.urge();
      this.log.append(shown);
      if (message.id && /^(answer|not_in_documents|out_of_scope|clinic)$/.test(reply.kind)) this.log.append(this.thumbs(message.id));
      if (!old) {
        this.offer(reply.buttons);
        this.fit();
        // The start of an answer is shown, not its end.
        const box = this.panel.classList.contains('flow') ? this.panel : this.log;
        box.scrollTop += shown.getBoundingClientRect().top - box.getBoundingClientRect().top - 12;
      } else this.log.scrollTop = this.log.scrollHeight;
    }

    /** A card is read out at once, before anything that a screen reader is busy with. */
    urge() {
      this.log.setAttribute('aria-live', 'assertive');
      setTimeout(() => this.log.setAttribute('aria-live', 'polite'), 1000);
    }

    offer(texts) {
      if (!texts?.length) return;
      this.log.append(make('div', { className: 'row next', role: 'group', 'aria-label': words.next },
        ...texts.map((text) => button(text, () => { this.focusIn(); this.say(text, newId()); }))));
    }

    thumbs(id) {
      const said = make('span', { role: 'status' });
      const rate = async (value, chosen, reason) => {
        try {
          await this.call('feedback', 'POST', { id, value, ...(reason && { reason }) });
        } catch { this.tell(words.failed); return; }
        for (const other of row.querySelectorAll(`[data-part="${chosen.dataset.part}"]`)) other.setAttribute('aria-pressed', String(other === chosen));
        said.textContent = words.thanks;
        if (value < 0 && !reason && !row.querySelector('.why')) {
          row.append(make('span', { className: 'why' }, words.why), ...REASONS.map((name) => choice(words[name], -1, 'why', name)));
          row.scrollIntoView({ block: 'nearest' });
        }
        if (value > 0) for (const old of row.querySelectorAll('.why,[data-part="why"]')) old.remove();
      };
      const choice = (text, value, part, reason) => {
        const made = button(text, () => rate(value, made, reason), { 'aria-pressed': 'false' });
        made.dataset.part = part;
        return made;
      };
      const row = make('div', { className: 'row small', role: 'group', 'aria-label': words.helpful },
        make('span', null, words.helpful), choice(words.up, 1, 'thumb'), choice(words.down, -1, 'thumb'), said);
      return row;
    }

    // -- deleting

    ask() {
      const keep = button(words.no, () => { this.tell(); this.eraser.focus(); });
      this.alert.replaceChildren(make('span', null, words.sure), button(words.yes, () => this.erase()), keep, button(words.copy, () => this.save()));
      keep.focus();
    }

    async save() {
      try {
        if (!this.token) return;
        const kept = new Blob([JSON.stringify(await this.call('export'), null, 1)], { type: 'application/json' });
        const link = make('a', { href: URL.createObjectURL(kept), download: 'conversation.json' });
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 10000);
        this.tell();
      } catch { this.tell(words.failed, () => this.save()); }
    }

    async erase() {
      try {
        if (this.token) await this.call('conversation', 'DELETE');
      } catch (error) {
        if (error.status !== 401) { this.tell(words.kept, () => this.erase()); return; }
      }
      this.leave();
      this.tell();
      while (this.log.childElementCount > 1) this.log.lastChild.remove();
      this.status.textContent = words.erased;
      this.offer(this.config.starters);
      this.focusIn();
    }
  }

  if (!customElements.get('mesoguide-chat')) customElements.define('mesoguide-chat', MesoguideChat);
  const mount = () => { if (!document.querySelector('mesoguide-chat')) document.body.append(document.createElement('mesoguide-chat')); };
  if (document.body) mount(); else addEventListener('DOMContentLoaded', mount);
})();
