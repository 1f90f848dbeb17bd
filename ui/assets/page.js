/* Registered once, because the page is drawn often; delegated, because answers come and go. */
if (!window.ragApp) {
  window.ragApp = true;
  const calm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const glide = () => (calm() ? "auto" : "smooth");

  /* A click on a citation mark opens its source, brings the quote into view and lets it glow for a moment. */
  document.addEventListener("click", (event) => {
    const mark = event.target.closest("a.cite");
    if (!mark) return;
    event.preventDefault();
    const card = document.getElementById(mark.getAttribute("href").slice(1));
    if (!card) return;
    card.open = true;
    card.querySelector("mark").scrollIntoView({ behavior: glide(), block: "center" });
    card.querySelector("blockquote").focus({ preventScroll: true });
    document.querySelectorAll(".source.found").forEach((other) => other.classList.remove("found"));
    void card.offsetWidth; /* restarts the glow when the same source is asked for again */
    card.classList.add("found");
  });

  /* A new question moves to the top, and its answer grows below it. */
  let known = 0;
  let due = false;
  new MutationObserver(() => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      const questions = document.querySelectorAll(".question");
      if (questions.length > known) questions[questions.length - 1].scrollIntoView({ behavior: glide(), block: "start" });
      known = questions.length;
    });
  }).observe(document.body, { childList: true, subtree: true });
}
