import DefaultTheme from "vitepress/theme-without-fonts";
import { withBase } from "vitepress";
import { h } from "vue";
import "./style.css";
import "./folder.css";

/** In place of the page of the theme, which has no main landmark. */
const notFound = () =>
  h("main", { class: "page-not-found" }, [h("h1", "Page not found"), h("p", h("a", { href: withBase("/") }, "Start page"))]);

export default {
  extends: DefaultTheme,
  Layout: () => h(DefaultTheme.Layout, null, { "not-found": notFound }),
};
