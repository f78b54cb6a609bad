// News from the board: heard while somebody looks, and drawn at a pace that leaves the machine to training.

const SHARE = 0.02; // of this page's time goes into drawing what is new
const LEAST = 150; // milliseconds between two drawings
const MOST = 1000;
const AGAIN = 3000; // until a board is asked again that had an answer, and not the one that was wanted

/**
 * Hear of what is new, again where the connection was lost, from where it was left.
 *
 * `draw` is called with all messages since it was called last, never while a button of the mouse is held, and not while
 * nobody can see the page: then the connection is closed, as a browser has only six for all of its tabs.
 */
export function listen<Message>(address: string, draw: (news: Message[]) => void, connected: (here: boolean) => void): void {
  let source: EventSource | null = null;
  let version = "";
  let waiting: Message[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let next = 0;
  let held = false;

  function soon(): void {
    if (timer === undefined && waiting.length > 0) timer = setTimeout(turn, Math.max(0, next - performance.now()));
  }

  function turn(): void {
    timer = undefined;
    if (held || document.hidden) return;
    const news = waiting;
    waiting = [];
    const began = performance.now();
    draw(news);
    const now = performance.now();
    next = now + Math.min(MOST, Math.max(LEAST, (now - began) / SHARE));
  }

  function connect(): void {
    source?.close();
    if (document.hidden) return;
    source = new EventSource(version ? `${address.split("?")[0]}?since=${version}` : address);
    source.onopen = () => connected(true);
    source.onerror = () => {
      connected(false);
      if (source?.readyState === EventSource.CLOSED) setTimeout(connect, AGAIN); // else it tries again by itself
    };
    source.onmessage = ({ data, lastEventId }) => {
      version = lastEventId;
      waiting.push(JSON.parse(data as string) as Message);
      soon();
    };
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) source?.close();
    else connect();
    soon();
  });
  addEventListener("pointerdown", () => (held = true), { capture: true });
  for (const end of ["pointerup", "pointercancel"])
    addEventListener(end, () => {
      held = false;
      soon();
    }, { capture: true });
  connect();
}
