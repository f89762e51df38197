// Signs out whoever is signed in, from the header of a page that a service renders.
(() => {
  const PROBLEM = "You are still signed in: the server could not be reached. Please try again.";

  function warn() {
    if (document.querySelector("[data-sign-out-problem]")) return;
    const problem = document.createElement("p");
    problem.className = "notice bad";
    problem.role = "alert";
    problem.dataset.signOutProblem = "";
    problem.textContent = PROBLEM;
    document.querySelector("main").prepend(problem);
  }

  async function signOut() {
    const answer = await fetch("/api/auth/logout", { method: "POST" }).catch(() => undefined);
    if (answer?.ok) window.location.assign("/");
    else warn();
  }

  document.querySelector("[data-sign-out]")?.addEventListener("click", () => void signOut());
})();
