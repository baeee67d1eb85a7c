// Fits a figure into the width that there is: MLflow's pane may leave it less than half a window. What stands side
// by side goes into several rows, the legend goes below, and axes get the ticks that there is room for.

const NARROW = 640, SUBPLOT_WIDTH = 190, ROW_GAP = 104, TICK_WIDTHS = {date: 92, number: 46, whole: 26};

const axesOf = layout => Object.keys(layout).filter(name => /^xaxis\d*$/.test(name)).map(name => {
  const x = layout[name], y = layout[(x.anchor ?? 'y').replace('y', 'yaxis')] ?? {};
  x.domain ??= [0, 1];
  return {name, x, y};
});

const middle = ([low, high]) => (low + high) / 2;

// Subplots that stand in one row, in as many rows as it takes.
const restack = (layout, data, axes, room) => {
  const {subplot_width: least = SUBPLOT_WIDTH, row_gap: rowGap = ROW_GAP, column_gap: columnGap = 72} = layout.meta ?? {};
  const columns = Math.max(1, Math.min(axes.length, Math.floor(room / least)));
  if (columns === axes.length) return;
  const rows = Math.ceil(axes.length / columns), {t, b} = layout.margin;
  const height = layout.height - t - b, whole = rows * height + (rows - 1) * rowGap, gap = columnGap / room;
  const titles = (layout.annotations ?? []).filter(one => one.xref === 'paper' && one.yref === 'paper' && one.y === 1);
  const places = titles.map(title => axes.reduce((best, axis) =>
    Math.abs(middle(axis.x.domain) - title.x) < Math.abs(middle(best.x.domain) - title.x) ? axis : best));
  axes.forEach(({x, y}, place) => {
    const column = place % columns, row = Math.floor(place / columns), width = (1 - gap * (columns - 1)) / columns;
    const top = 1 - row * (height + rowGap) / whole;
    x.domain = [column * (width + gap), column * (width + gap) + width];
    y.domain = [Math.max(0, top - height / whole), top];
    y.showticklabels = true;
    if (column === 0 && !y.title?.text && y.matches) y.title = layout.yaxis.title;
  });
  titles.forEach((title, place) => Object.assign(title, {x: middle(places[place].x.domain), y: places[place].y.domain[1]}));
  layout.height = t + b + whole;
  for (const one of data.filter(trace => trace.marker?.colorbar)) {
    const colorbar = {...one.marker.colorbar, lenmode: 'pixels', len: height, y: 1, yanchor: 'top'};
    one.marker = {...one.marker, colorbar};
  }
};

const putLegendBelow = (layout, data, width) => {
  const names = data.filter(one => one.name && one.showlegend !== false && one.visible !== false).map(one => one.name);
  if (layout.showlegend === false || names.length < (layout.showlegend ? 1 : 2)) return;
  const lines = names.map(name => String(name).split('<br>'));
  const widest = Math.max(...lines.flat().map(line => line.length)) * 7.5 + 50;
  const rows = Math.ceil(names.length / Math.max(1, Math.floor(width / widest)));
  const height = 12 + 20 * rows * Math.max(...lines.map(one => one.length));
  Object.assign(layout.legend, {orientation: 'h', x: 0, xanchor: 'left', y: 0, yanchor: 'bottom', yref: 'container'});
  layout.margin.b += height;
  layout.height += height;
};

// Changes a layout and traces, which are copies: the figure itself stays as it is.
const fit = (layout, data, width) => {
  if (layout.meta?.is_words || !layout.margin || !width) return;
  layout.height ??= 440;
  if (width < NARROW) {
    for (const [name, value] of Object.entries(layout.meta?.narrow ?? {})) {
      layout[name] = Array.isArray(value) ? value : {...layout[name], ...value};
    }
  }
  const axes = axesOf(layout), room = width - layout.margin.l - layout.margin.r;
  restack(layout, data, axes, room);
  if (width < NARROW) putLegendBelow(layout, data, width);
  for (const {name, x} of axes) {
    const pixels = room * (x.domain[1] - x.domain[0]);
    if (choiceOf({layout})?.whole.includes(name)) {
      x.dtick = Math.max(x.dtick, Math.ceil(7 * x.dtick * TICK_WIDTHS.whole / pixels));
    } else if (!x.tickvals && x.type !== 'category') {
      const most = Math.max(x.type === 'log' ? 3 : 2, Math.floor(pixels / (TICK_WIDTHS[x.type] ?? TICK_WIDTHS.number)));
      x.nticks = Math.min(x.nticks || most, most);
    }
  }
};
