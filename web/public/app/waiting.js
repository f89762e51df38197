// The page after paying: asks how the payment stands, and moves on to the report once it is there.
(() => {
  const page = document.querySelector("[data-waiting]");
  const says = document.querySelector("[data-waiting-says]");
  const sessionId = page?.dataset.waiting;
  const BETWEEN_MS = 1500;
  const LONG_AFTER_MS = 45_000;
  const LONG = "This takes longer than usual. If you have paid, the payment is safe: you need not pay again.";
  const OFFLINE = "The connection was lost. Trying again.";
  const startedAt = Date.now();
  const usual = says?.textContent;

  // A live region is read aloud at every change, so it changes only when there is something new.
  const say = (text) => {
    if (says.textContent !== text) says.textContent = text;
  };

  async function look() {
    const answer = await fetch(`/api/checkout/sessions/${encodeURIComponent(sessionId)}`);
    if (answer.status >= 500) return false;
    const payment = answer.ok ? await answer.json() : null;
    if (payment?.status === "paid") window.location.replace(`/benchmark/${payment.report_id}/processing`);
    else if (payment?.status === "open" || payment?.status === "processing") return false;
    // The page itself explains what is expired, refused or gone.
    else window.location.reload();
    return true;
  }

  async function poll() {
    try {
      if (await look()) return;
      say(Date.now() - startedAt > LONG_AFTER_MS ? LONG : usual);
    } catch {
      say(OFFLINE);
    }
    setTimeout(poll, BETWEEN_MS);
  }

  if (sessionId) setTimeout(poll, BETWEEN_MS);
})();
