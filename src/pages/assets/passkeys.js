// Runs after the library that asks browsers for passkeys (`SimpleWebAuthnBrowser`). Shows the forms
// that need it, asks the browser, and sends its answer as the form it is.

for (const form of document.querySelectorAll('form[data-passkey]')) {
  const { browserSupportsWebAuthn, startRegistration, startAuthentication } = SimpleWebAuthnBrowser;
  if (!browserSupportsWebAuthn()) continue;
  for (const text of document.querySelectorAll('[data-until-script]')) text.hidden = true;
  form.hidden = false;
  const problem = form.querySelector('[role=alert]');
  const button = form.querySelector('button');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    problem.hidden = true;
    button.disabled = true;
    let message = form.dataset.failed;
    try {
      const response = await fetch(form.dataset.passkey, {
        method: 'POST',
        body: new URLSearchParams(new FormData(form)),
      });
      const optionsJSON = await response.json();
      if (response.ok) {
        const answer = await (form.dataset.does === 'add'
          ? startRegistration({ optionsJSON })
          : startAuthentication({ optionsJSON }));
        form.elements.answer.value = JSON.stringify(answer);
        if (form.elements.password) form.elements.password.value = '';
        form.submit();
        return;
      }
      message = optionsJSON.problem;
    } catch {}
    problem.textContent = message;
    problem.hidden = false;
    button.disabled = false;
  });
}
