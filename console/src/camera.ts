/** Panning and zooming of the picture. */

const SMALLEST = 0.25;
const LARGEST = 2;
/** Fitting does not enlarge beyond this: three cards need not fill a screen. */
const FITTED = 1.1;
/** Below this nothing can be read, so beside a panel only the part around the selected card is shown. */
const READABLE = 0.65;
/** Below this width the picture begins at the top and goes on below the window: all of it would be too small to read. */
export const NARROW = 620;
/** Kept free at the bottom, where the buttons are. */
export const FOOT = 56;

export class Camera {
  /** The user has moved it: new nodes do not move it back. */
  isHeld = false;
  private x = 0;
  private y = 0;
  private scale = 1;
  private content = { width: 1, height: 1 };
  private center: { x: number; y: number } | undefined;

  constructor(
    private readonly stage: HTMLElement,
    private readonly world: HTMLElement,
  ) {
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    stage.addEventListener("pointerdown", (event) => this.drag(event));
    stage.addEventListener("keydown", (event) => this.key(event));
    // Focusing a card must not scroll the stage behind the camera's back.
    stage.addEventListener("scroll", () => stage.scrollTo(0, 0));
  }

  show(content: { width: number; height: number }): void {
    this.content = content;
    if (!this.isHeld) this.fit();
  }

  /** Fits the whole picture, and as much as can be read around a point of interest. */
  fitAround(center: { x: number; y: number } | undefined): void {
    this.center = center;
    this.fit();
  }

  fit(): void {
    this.isHeld = false;
    const { clientWidth: width } = this.stage;
    const height = this.stage.clientHeight - FOOT;
    const scale = Math.min(FITTED, width / this.content.width, width < NARROW ? FITTED : height / this.content.height);
    this.scale = Math.max(this.center ? READABLE : SMALLEST, scale);
    this.x = this.start(width, this.content.width, this.center?.x);
    this.y = this.start(height, this.content.height, this.center?.y ?? (width < NARROW ? 0 : undefined));
    this.apply();
  }

  zoom(factor: number, at = { x: this.stage.clientWidth / 2, y: this.stage.clientHeight / 2 }): void {
    const scale = Math.min(LARGEST, Math.max(SMALLEST, this.scale * factor));
    this.x = at.x - ((at.x - this.x) * scale) / this.scale;
    this.y = at.y - ((at.y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.isHeld = true;
    this.apply();
  }

  /** Where the picture begins along one axis: in the middle, or so that the point of interest is. */
  private start(room: number, length: number, center: number | undefined): number {
    const free = room - length * this.scale;
    if (free >= 0 || center === undefined) return free / 2;
    return Math.min(0, Math.max(free, room / 2 - center * this.scale));
  }

  private pan(x: number, y: number): void {
    this.x += x;
    this.y += y;
    this.isHeld = true;
    this.apply();
  }

  private apply(): void {
    this.world.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    const box = this.stage.getBoundingClientRect();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * 16 : event.deltaY;
    this.zoom(Math.exp(-pixels / 600), { x: event.clientX - box.left, y: event.clientY - box.top });
  }

  private drag(event: PointerEvent): void {
    if (event.button !== 0 || (event.target as Element).closest("button, a, input")) return;
    let { clientX: x, clientY: y } = event;
    this.stage.setPointerCapture(event.pointerId);
    const ending = new AbortController();
    const options = { signal: ending.signal };
    this.stage.addEventListener("pointermove", (move) => {
      this.pan(move.clientX - x, move.clientY - y);
      ({ clientX: x, clientY: y } = move);
    }, options);
    for (const end of ["pointerup", "pointercancel"]) this.stage.addEventListener(end, () => ending.abort(), options);
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = 60;
    const keys: Record<string, () => void> = {
      "+": () => this.zoom(1.2),
      "=": () => this.zoom(1.2),
      "-": () => this.zoom(1 / 1.2),
      "0": () => this.fitAround(undefined),
      ArrowLeft: () => this.pan(step, 0),
      ArrowRight: () => this.pan(-step, 0),
      ArrowUp: () => this.pan(0, step),
      ArrowDown: () => this.pan(0, -step),
    };
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}
