interface User {
  email: string;
}

/** Offer to sign out, where somebody is signed in. */
export async function greet(): Promise<void> {
  const link = document.querySelector(".site-header .account");
  const answer = await fetch("/api/me").catch(() => undefined);
  if (link && answer?.ok) link.replaceWith(signOutButton((await answer.json()) as User));
  // An answer that is not read keeps its connection, where nothing of it may be stored.
  else await answer?.body?.cancel();
}

function signOutButton({ email }: User): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain account";
  button.textContent = "Sign out";
  button.title = email;
  button.addEventListener("click", () => void signOut());
  return button;
}

async function signOut(): Promise<void> {
  const answer = await fetch("/api/auth/logout", { method: "POST" }).catch(() => undefined);
  if (answer?.ok) window.location.assign("/");
  else warn("You are still signed in: the server could not be reached. Please try again.");
}

function warn(text: string): void {
  const problem = document.createElement("p");
  problem.className = "notice bad";
  problem.role = "alert";
  problem.textContent = text;
  document.querySelector("main")?.prepend(problem);
}
