/** Change a page's content so that the section which the reader has before them stays where it is. */
export function keepingPlace(target: HTMLElement, change: () => void): void {
  const section = [...target.querySelectorAll<HTMLElement>("section[id]")].find(
    (each) => each.getBoundingClientRect().bottom > 0,
  );
  const above = window.scrollY > 0 && section ? section.getBoundingClientRect() : null;
  change();
  if (!section || !above) return;
  const now = document.getElementById(section.id)?.getBoundingClientRect();
  if (!now) return;
  // A reader who is halfway through a section stays halfway: the same share of it lies above the window.
  const read = above.top < 0 ? (above.top / above.height) * now.height : above.top;
  window.scrollBy({ top: now.top - read, behavior: "instant" });
}
