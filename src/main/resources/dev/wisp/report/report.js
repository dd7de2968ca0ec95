(() => {
  'use strict';
  document.documentElement.classList.add('js');

  // Gallery: a slider fades each picture from layer to layer.
  const shots = [...document.querySelectorAll('.shot')].map(article => {
    const layers = [...article.querySelectorAll('.stack figure')];
    const names = layers.map(layer => layer.dataset.layer);
    const input = article.querySelector('input');
    const output = article.querySelector('output');
    const show = value => {
      const below = Math.floor(value);
      layers.forEach((layer, i) => {
        layer.style.opacity = i <= below ? 1 : i === below + 1 ? value - below : 0;
        layer.setAttribute('aria-hidden', i !== Math.round(value));
      });
      input.value = value;
      output.textContent = names[Math.round(value)];
      input.setAttribute('aria-valuetext', names[Math.round(value)]);
    };
    input.addEventListener('input', () => show(Number(input.value)));
    // A hand lets go somewhere between two layers; the nearer one stays.
    input.addEventListener('change', () => show(Math.round(Number(input.value))));
    input.addEventListener('keydown', event => {
      const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (by) {
        event.preventDefault();
        show(Math.min(layers.length - 1, Math.max(0, Math.round(Number(input.value)) + by)));
        press(null);
      }
    });
    return { names, show };
  });
  const buttons = [...document.querySelectorAll('[data-all]')];
  const press = name => buttons.forEach(button =>
    button.setAttribute('aria-pressed', button.dataset.all === name));
  const showAll = name => {
    shots.forEach(shot => {
      const at = shot.names.indexOf(name);
      if (at >= 0) shot.show(at);
    });
    press(name);
  };
  buttons.forEach(button => button.addEventListener('click', () => showAll(button.dataset.all)));
  const first = buttons.find(button => button.dataset.all === 'Label') || buttons[buttons.length - 1];
  if (first) showAll(first.dataset.all);

  // Charts: the legend tells the values under the pointer.
  const data = new WeakMap();
  const pointsOf = svg => {
    if (!data.has(svg)) data.set(svg, JSON.parse(svg.dataset.points));
    return data.get(svg);
  };
  const nearest = (steps, step) => {
    let low = 0;
    let high = steps.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (steps[middle] < step) low = middle + 1; else high = middle;
    }
    return low > 0 && step - steps[low - 1] < steps[low] - step ? low - 1 : low;
  };
  const tell = (svg, step) => {
    const values = svg.parentElement.querySelectorAll('.legend b');
    let shown = 0;
    pointsOf(svg).forEach((line, i) => {
      const at = step === null ? line.steps.length - 1 : nearest(line.steps, step);
      values[i].textContent = line.values[at];
      shown = line.steps[at];
    });
    svg.classList.toggle('on', step !== null);
    svg.parentElement.querySelector('.where').textContent = step === null ? '' : 'step ' + shown;
    return shown;
  };
  document.addEventListener('pointermove', event => {
    const over = event.target instanceof Element ? event.target.closest('svg[data-points]') : null;
    document.querySelectorAll('svg.on').forEach(svg => { if (svg !== over) tell(svg, null); });
    if (!over) return;
    const box = over.getBoundingClientRect();
    const left = Number(over.dataset.left);
    const right = Number(over.dataset.right);
    const x = (event.clientX - box.left) / box.width * over.viewBox.baseVal.width;
    const share = Math.min(1, Math.max(0, (x - left) / (right - left)));
    const shown = tell(over, share * Number(over.dataset.last));
    const cursor = over.querySelector('.cursor');
    const at = left + shown / Number(over.dataset.last) * (right - left);
    cursor.setAttribute('x1', at);
    cursor.setAttribute('x2', at);
  });

  // A page of "wisp serve" asks for new metrics; a page in a file has no data-live.
  const body = document.body;
  if (body.dataset.live) {
    let version = body.dataset.version;
    const poll = async () => {
      if (!document.hidden) {
        try {
          const answer = await fetch(body.dataset.live + '?since=' + encodeURIComponent(version));
          const news = await answer.json();
          if (news.curves !== undefined && news.version !== version) {
            document.getElementById('curves-body').innerHTML = news.curves;
            document.getElementById('tiles').innerHTML = news.tiles;
            version = news.version;
          }
          document.getElementById('fresh').hidden = news.page === body.dataset.page;
          document.getElementById('state').textContent = '';
        } catch (gone) {
          document.getElementById('state').textContent = 'The server does not answer.';
        }
      }
      setTimeout(poll, 2000);
    };
    setTimeout(poll, 2000);
  }
})();
