// The page of a payment that was not made: unlocks the benchmark at once, while the button leads back to it.
(() => {
  const form = document.querySelector("[data-unlock]");
  const says = document.querySelector("[data-unlock-says]");

  async function unlock() {
    const body = new URLSearchParams(new FormData(form));
    // A redirect is the answer that all went well; the page it leads to is for the button.
    const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" });
    if (answer.type === "opaqueredirect") says.textContent = "The benchmark is unlocked.";
    // It was paid after all, or is somebody else's: the service's own page says so.
    else if (answer.status < 500) form.submit();
  }

  // Without a connection the button is still there.
  if (form) unlock().catch(() => {});
})();
