/* Registered once, because the page is drawn often; delegated, because answers come and go. */
if (!window.ragApp) {
  window.ragApp = true;
  const calm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const glide = () => (calm() ? "auto" : "smooth");

  /* A click on a citation mark opens its source beside the answer; while the answer grows, in its card below. */
  let followed = "";
  document.addEventListener("click", (event) => {
    const mark = event.target.closest("a.cite");
    if (!mark) return;
    event.preventDefault();
    followed = mark.getAttribute("href").slice(1);
    const opener = document.querySelector(`.st-key-open-${followed} button`);
    if (opener) return opener.click();
    const card = document.getElementById(followed);
    if (!card) return;
    card.open = true;
    card.querySelector("mark").scrollIntoView({ behavior: glide(), block: "center" });
    card.querySelector("blockquote").focus({ preventScroll: true });
    document.querySelectorAll(".source.found").forEach((other) => other.classList.remove("found"));
    void card.offsetWidth; /* restarts the glow when the same source is asked for again */
    card.classList.add("found");
  });

  /* An answer is copied with its sources. Without a secure connection browsers offer the old way alone. */
  const copied = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const field = document.body.appendChild(document.createElement("textarea"));
    field.value = text;
    field.select();
    document.execCommand("copy");
    field.remove();
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    const words = button.textContent;
    copied(button.dataset.copy).then(() => {
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = words), 2000);
    });
  });

  /* The theme is the one that Streamlit remembers, for each page's address apart, and takes up as a page is loaded. */
  const themeKey = (path) => `stActiveTheme-${path}-v2`;
  const pressThemes = () => {
    const theme = JSON.parse(localStorage.getItem(themeKey(location.pathname)) || '"System"');
    for (const choice of document.querySelectorAll(".theme-choice")) {
      const pressed = String(choice.dataset.theme === theme);
      if (choice.getAttribute("aria-pressed") !== pressed) choice.setAttribute("aria-pressed", pressed);
      if (pressed === "true" && sessionStorage.getItem("themeChosen")) {
        sessionStorage.removeItem("themeChosen");
        choice.focus();
      }
    }
  };
  document.addEventListener("click", (event) => {
    const choice = event.target.closest(".theme-choice");
    if (!choice) return;
    const links = [...document.querySelectorAll('[data-testid="stSidebarNavLink"]')].map((link) => new URL(link.href).pathname);
    for (const path of new Set(["/", location.pathname, ...links]))
      localStorage.setItem(themeKey(path), JSON.stringify(choice.dataset.theme));
    sessionStorage.setItem("themeChosen", "yes");
    location.reload();
  });

  /* Escape closes the source, unless something lies above it. */
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || document.querySelector('[role="dialog"]')) return;
    document.querySelector(".st-key-close-panel button")?.click();
  });

  /* A source that was opened takes the focus and shows its mark; when it is closed, the focus returns. */
  let shown = "";
  const aim = (view) => {
    const panel = view.closest(".st-key-panel");
    const goal = view.querySelector("mark");
    if (goal) return goal.scrollIntoView({ block: "center" });
    const image = panel.querySelector("img");
    if (!image) return;
    const place = () => {
      const top = image.getBoundingClientRect().top - panel.getBoundingClientRect().top + panel.scrollTop;
      panel.scrollTop = top + image.clientHeight * Number(view.dataset.top || 0) - panel.clientHeight / 2;
    };
    image.complete && image.naturalHeight ? place() : image.addEventListener("load", place, { once: true });
  };
  const follow = () => {
    const view = document.querySelector(".st-key-panel .view[data-at]");
    const now = view ? `${view.dataset.mark} ${view.dataset.at}` : "";
    if (now === shown || (!view && document.querySelector(".st-key-panel"))) return;
    if (view) {
      const opened = shown.split(" ")[0] !== view.dataset.mark;
      requestAnimationFrame(() => aim(view));
      if (opened) view.focus({ preventScroll: true });
    } else {
      document.querySelector(`a.cite[href="#${followed}"]`)?.focus({ preventScroll: true });
    }
    shown = now;
  };

  /* Dialogs lie outside the app, which alone knows whether the reader's theme is light or dark. */
  const dress = () => {
    const app = document.querySelector(".stApp");
    const scheme = app ? getComputedStyle(app).colorScheme : "";
    if (scheme !== document.documentElement.style.colorScheme) document.documentElement.style.colorScheme = scheme;
  };

  /* A page that is out of date is drawn anew once nobody clicks, leaves it or has a dialog open, and it is at rest. */
  let touched = 0;
  let answered = true;
  let left = "";
  const RESTING = 600;
  const UNANSWERED = 4000;
  const GONE = 15000;
  const touch = (event) => {
    if (!event.isTrusted) return;
    touched = Date.now();
    answered = false;
    if (event.type === "click") left = event.target.closest("a[href]:not(.cite)") ? location.pathname : "";
  };
  for (const kind of ["pointerdown", "click", "keydown"]) document.addEventListener(kind, touch, true);
  const state = () => document.querySelector(".stApp")?.dataset.testScriptState;
  const free = () => {
    const since = Date.now() - touched;
    if (state() !== "notRunning" || document.querySelector('[role="dialog"]')) return false;
    return since > (left === location.pathname ? GONE : answered ? RESTING : UNANSWERED);
  };
  let waiting = 0;
  const lookedAt = () => document.querySelector("[data-out-of-date], [data-job]:not([data-done])");
  const refresh = () => {
    if (state() !== "notRunning") answered = true;
    if (!lookedAt()) {
      clearInterval(waiting);
      waiting = 0;
    } else if (document.querySelector("[data-out-of-date]") && free()) {
      touched = Date.now();
      answered = false;
      document.querySelector(".st-key-refresh-page button")?.click();
    }
  };

  /* A new question moves to the top, and its answer grows below it. */
  let known = 0;
  let due = false;
  new MutationObserver(() => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      follow();
      if (!waiting && lookedAt()) waiting = setInterval(refresh, 150);
      dress();
      pressThemes();
      const questions = document.querySelectorAll(".question");
      if (questions.length > known) questions[questions.length - 1].scrollIntoView({ behavior: glide(), block: "start" });
      known = questions.length;
    });
  }).observe(document.body, { childList: true, subtree: true });
}
