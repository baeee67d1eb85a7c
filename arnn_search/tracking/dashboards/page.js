// Unpacks what travels in the page, draws the figures, and lets the reader choose what they show.

const unpack = async id => {
  const bytes = Uint8Array.from(atob(document.getElementById(id).textContent), c => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return await new Response(stream).text();
};

// The study belongs to its owner: no button offers to upload it.
const configuration = figure => ({
  responsive: true, displaylogo: false, plotlyServerURL: '',
  displayModeBar: figure.layout.meta?.is_words ? false : 'hover',
  modeBarButtonsToRemove: ['sendChartToCloud', 'sendDataToCloud', 'lasso2d', 'select2d'],
});

// By the name of a group of figures: the keys that the reader chose, one for each slot.
const chosen = {}, touched = new Set();

const choiceOf = figure => figure.layout.meta?.choice;

// A figure with the content that is chosen in place of the one that it came with.
const shown = figure => {
  const choice = choiceOf(figure), layout = structuredClone(figure.layout);
  const data = figure.data.map(trace => ({...trace}));
  if (!choice) return {data, layout};
  let rows = 0;
  choice.slots.forEach((slot, place) => {
    const key = chosen[choice.group][place];
    const option = choice.options.find(one => one.key === key);
    slot.traces.forEach((index, part) => {
      const content = option?.traces[part];
      Object.assign(data[index], content ?? {}, {visible: Boolean(content)});
    });
    if (slot.annotation !== null) layout.annotations[slot.annotation].text = option?.title ?? '';
    for (const axis of slot.axes) layout[axis].visible = Boolean(option);
    rows = Math.max(rows, option?.rows ?? 0);
  });
  const longest = data.reduce((most, trace) => trace.visible === false ? most : Math.max(most, trace.x?.at(-1) ?? 1), 1);
  for (const axis of choice.whole) Object.assign(layout[axis], {tick0: 0, dtick: Math.max(1, Math.ceil(longest / 7))});
  if (choice.row_height && rows) layout.height = choice.base_height + Math.round(choice.row_height * Math.min(rows, 30));
  return {data, layout};
};

const element = (name, properties, parts = []) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...parts);
  return made;
};

// What Plotly says in its own few tags, as text.
const plain = text => new DOMParser().parseFromString(String(text ?? ''), 'text/html').body.textContent;

// A table as one of the page: it wraps, and its text can be found and copied.
const asTable = ({header, cells}) => {
  const table = document.createElement('table');
  const addRow = (tag, texts) => table.append(element('tr', {}, texts.map(text => element(tag, {textContent: plain(text)}))));
  addRow('th', header.values);
  for (let row = 0; row < (cells.values[0]?.length ?? 0); row++) addRow('td', cells.values.map(column => column[row]));
  return element('div', {className: 'wide'}, [table]);
};

const draw = async (figure, number) => {
  const place = document.getElementById('figure-' + number);
  try {
    const {data, layout} = shown(figure);
    if (data.length && data.every(trace => trace.type === 'table')) {
      place.style.minHeight = 0;
      return place.replaceChildren(...data.map(asTable));
    }
    fit(layout, data, place.clientWidth);
    place.style.minHeight = (layout.height ?? 440) + 'px';
    await Plotly.react(place, data, layout, configuration(figure));
  } catch (error) {
    place.textContent = 'This figure cannot be drawn: ' + error;
  }
};

// Selects and buttons above the first figure of a group; they work on all of its figures.
const addControls = (group, figures) => {
  const members = figures.map((figure, number) => [figure, number]).filter(([one]) => choiceOf(one)?.group === group);
  const choice = choiceOf(members[0][0]);
  const known = new Set(choice.options.map(option => option.key));
  if (!touched.has(group) || !chosen[group].every(key => key === null || known.has(key))) {
    chosen[group] = [...choice.chosen];
  }
  const bar = element('div', {className: 'choice'});
  const buttons = choice.presets.map(preset => element('button', {type: 'button', textContent: preset.label}));
  const selects = choice.slots.map((slot, place) => {
    const select = element('select', {title: 'What stands in place ' + (place + 1)});
    select.setAttribute('aria-label', `${choice.label} in place ${place + 1}`);
    select.append(new Option('(nothing)', ''), ...choice.options.map(option => new Option(option.label, option.key)));
    return select;
  });
  const update = async () => {
    selects.forEach((select, place) => { select.value = chosen[group][place] ?? ''; });
    buttons.forEach((button, place) => button.setAttribute(
      'aria-pressed', String(choice.presets[place].chosen.join() === chosen[group].join())));
    for (const [figure, number] of members) await draw(figure, number);
  };
  selects.forEach((select, place) => select.addEventListener('change', () => {
    chosen[group][place] = select.value === '' ? null : select.value;
    touched.add(group);
    update();
  }));
  buttons.forEach((button, place) => button.addEventListener('click', () => {
    chosen[group] = [...choice.presets[place].chosen];
    touched.add(group);
    update();
  }));
  bar.append(...buttons, element('span', {className: 'break'}), ...selects);
  document.getElementById('figure-' + members[0][1]).before(bar);
  return update;
};

let figures = [];

const drawAll = async () => {
  figures = JSON.parse(await unpack('figures'));
  const groups = [...new Set(figures.map(figure => choiceOf(figure)?.group).filter(Boolean))];
  const updates = groups.map(group => addControls(group, figures));
  for (const [number, figure] of figures.entries()) if (!choiceOf(figure)) await draw(figure, number);
  for (const update of updates) await update();
  document.documentElement.dataset.drawn = figures.length;
};

// The figures are drawn for a width; another one asks for another drawing.
const watchWidth = () => {
  let width = document.querySelector('main').clientWidth, timer;
  new ResizeObserver(() => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const now = document.querySelector('main').clientWidth;
      if (now === width) return;
      width = now;
      for (const [number, figure] of figures.entries()) await draw(figure, number);
    }, 150);
  }).observe(document.body);
};

// What a newer text of this page has to say, in place; the reader stays where they are.
window.replaceContent = async text => {
  const newer = new DOMParser().parseFromString(text, 'text/html');
  document.querySelectorAll('.js-plotly-plot').forEach(place => Plotly.purge(place));
  for (const part of ['main', '#figures']) document.querySelector(part).replaceWith(newer.querySelector(part));
  document.title = newer.title;
  await drawAll();
};

const start = async () => {
  if (!('DecompressionStream' in window)) {
    document.querySelectorAll('.figure').forEach(place => {
      place.textContent = 'These figures need a browser of 2023 or later.';
    });
    return;
  }
  document.head.appendChild(element('script', {textContent: await unpack('plotly')}));
  await drawAll();
  watchWidth();
};
start();
