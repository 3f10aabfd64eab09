// What every page gains from JavaScript: copy buttons, and focus on the error summary of a failed form.

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.setAttribute("aria-pressed", "true");
  });
}

document.getElementById("error-summary")?.focus();
