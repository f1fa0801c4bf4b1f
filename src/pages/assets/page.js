// The script of every page. It only improves: every page works without it.

for (const button of document.querySelectorAll('[data-copy]')) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(button.previousElementSibling.textContent);
    const label = button.textContent;
    button.textContent = button.dataset.copied;
    setTimeout(() => {
      button.textContent = label;
    }, 1500);
  });
}
for (const shown of document.querySelectorAll('time[datetime*="T"]')) {
  const form = new Intl.DateTimeFormat(document.documentElement.lang, {
    dateStyle: 'medium',
    timeStyle: 'long',
  });
  shown.title = form.format(new Date(shown.dateTime));
}
for (const input of document.querySelectorAll('[data-filter]')) {
  const rows = document.querySelectorAll(input.dataset.filter);
  input.closest('[hidden]')?.removeAttribute('hidden');
  input.addEventListener('input', () => {
    const wanted = input.value.trim().toLocaleLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLocaleLowerCase().includes(wanted);
  });
}
for (const form of document.querySelectorAll('form[data-confirm]')) {
  form.addEventListener('submit', (event) => {
    if (!confirm(form.dataset.confirm)) event.preventDefault();
  });
}
for (const form of document.querySelectorAll('form[data-once]')) {
  let sent = false;
  form.addEventListener('submit', (event) => {
    if (sent) event.preventDefault();
    sent = true;
    setTimeout(() => {
      for (const button of form.querySelectorAll('button')) button.disabled = true;
    });
  });
  addEventListener('pageshow', () => {
    sent = false;
    for (const button of form.querySelectorAll('button')) button.disabled = false;
  });
}
for (const choice of document.querySelectorAll('[data-shows]')) {
  const update = () => {
    for (const part of document.querySelectorAll(`[data-shown-by="${choice.name}"]`)) {
      const chosen = choice.form.querySelector(`[name="${choice.name}"]:checked`);
      part.hidden = !chosen || !part.dataset.shownFor.split(' ').includes(chosen.value);
    }
  };
  choice.addEventListener('change', update);
  update();
}
