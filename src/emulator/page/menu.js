// A menu that is opened by a button: arrows move, Escape and Tab close, the focus goes back.

/** Makes `menu` (role `menu`, its items buttons) belong to `button`, or to whichever button opens it. */
export class Menu {
  constructor(menu, choose) {
    Object.assign(this, { menu, opener: null });
    menu.addEventListener("click", (event) => {
      const item = event.target.closest("button");
      if (!item) return;
      const opener = this.opener;
      this.close();
      choose(item.dataset.choice, opener);
    });
    menu.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("pointerdown", (event) => {
      if (this.opener && !menu.contains(event.target) && !this.opener.contains(event.target)) this.close();
    });
  }

  toggle(opener) {
    if (this.opener === opener) return this.close();
    this.close();
    this.opener = opener;
    opener.setAttribute("aria-expanded", "true");
    this.menu.hidden = false;
    this.menu.querySelector("button").focus();
  }

  close() {
    this.opener?.setAttribute("aria-expanded", "false");
    this.opener = null;
    this.menu.hidden = true;
  }

  key(event) {
    const items = [...this.menu.querySelectorAll("button")];
    const at = items.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      items.at(to % items.length).focus();
    } else if (event.key === "Escape" || event.key === "Tab") {
      if (event.key === "Escape") this.opener.focus();
      this.close();
    }
  }
}
