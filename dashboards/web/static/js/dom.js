// Elements without markup: text is always text, so that no name of a service can become HTML.

export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") made.addEventListener("click", value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

// The health pictures of icons.html: shape and colour both tell.
export const HEALTH_SHAPES = {
  ok: { body: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13z", mark: "m5 8.2 2.1 2.1L11.2 6" },
  warn: { body: "M8 1.8 15 14H1z", mark: "M8 6v4M8 11.8v.4" },
  bad: {
    body: "M5.2 1.5h5.6l3.7 3.7v5.6l-3.7 3.7H5.2l-3.7-3.7V5.2z",
    mark: "m5.6 5.6 4.8 4.8m0-4.8-4.8 4.8",
  },
  idle: { body: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2z", mark: "" },
};

export function healthIcon(word, said) {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("class", "icon");
  picture.setAttribute("viewBox", "0 0 16 16");
  picture.setAttribute("aria-hidden", "true");
  const { body, mark } = HEALTH_SHAPES[word];
  for (const [d, role] of [[body, word === "idle" ? "hollow" : ""], [mark, "mark"]]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    path.setAttribute("class", role);
    picture.append(path);
  }
  return el("span", { class: `health ${word}` }, picture, el("span", { class: "sr" }, `${said} `));
}

// Change a text only when it differs: a calm page is one that does not repaint.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
