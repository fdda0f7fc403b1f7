"""A bar plot of ratios, written as SVG by hand."""

from html import escape

LEFT, RIGHT, ROW, BAR, HEAD = 110, 70, 34, 12, 64
PLOT = 560
COLOURS = {"wasmcy": "#c2410c", "pywasm3": "#94a3b8", "wasmtime": "#0f766e"}


def text(x: float, y: float, content: str, anchor: str = "start", colour: str = "#1e293b") -> str:
    """One line of text."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(content)}</text>'


def rectangle(x: float, y: float, width: float, height: float, colour: str) -> str:
    """One filled rectangle."""
    return f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{height}" fill="{colour}"/>'


def bars(title: str, base: str, rows: list[tuple[str, dict[str, float]]]) -> str:
    """Horizontal bars: for each row, every engine's time relative to the engine `base`, which is 1."""
    engines = [e for e in COLOURS if e != base and any(e in ratios for _, ratios in rows)]
    top = max([1.0, *(r for _, ratios in rows for r in ratios.values())])
    unit = PLOT / top
    height = HEAD + ROW * len(rows) + 30
    width = LEFT + PLOT + RIGHT
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="sans-serif" font-size="12">',
        rectangle(0, 0, width, height, "#ffffff"),
        text(LEFT, 22, title),
    ]
    x = float(LEFT)
    for engine in engines:
        out.append(rectangle(x, 34, 10, 10, COLOURS[engine]))
        out.append(text(x + 15, 43, engine))
        x += 25 + 8 * len(engine)
    bottom = HEAD + ROW * len(rows)
    for i in range(int(top * 4 + 1e-9) + 1):
        x = LEFT + unit * i / 4
        colour = COLOURS.get(base, "#94a3b8") if i == 4 else "#e2e8f0"
        out.append(f'<line x1="{x:.1f}" y1="{HEAD - 8}" x2="{x:.1f}" y2="{bottom}" stroke="{colour}"/>')
        out.append(text(x, bottom + 18, f"{base} = 1" if i == 4 else f"{i / 4:g}", "middle"))
    for i, (name, ratios) in enumerate(rows):
        y = HEAD + ROW * i
        out.append(text(LEFT - 8, y + BAR + 4, name, "end"))
        for k, engine in enumerate(e for e in engines if e in ratios):
            length = ratios[engine] * unit
            out.append(rectangle(LEFT, y + k * (BAR + 1), length, BAR, COLOURS[engine]))
            out.append(text(LEFT + length + 4, y + k * (BAR + 1) + 10, f"{ratios[engine]:.2f}"))
    return "\n".join([*out, "</svg>", ""])
