"use strict";
(async () => {
  const page = document.getElementById("page");
  const index = document.getElementById("index");

  // Everything is put in as text, never as markup.
  const el = (tag, attrs, ...children) => {
    const node = document.createElement(tag);
    for (const [k, v] of Object.entries(attrs || {})) node.setAttribute(k, v);
    node.append(...children.filter((c) => c !== null && c !== undefined && c !== ""));
    return node;
  };
  const prose = (text) => {
    const p = el("p");
    (text || "").split("`").forEach((part, i) => p.append(i % 2 ? el("code", {}, part) : part));
    return p;
  };

  let doc;
  try {
    const answer = await fetch("openapi.json");
    if (!answer.ok) throw new Error("HTTP " + answer.status);
    doc = await answer.json();
  } catch (err) {
    page.replaceChildren(el("p", {}, "openapi.json cannot be read: " + err.message));
    return;
  }

  const resolve = (schema) => {
    const name = schema && schema.$ref && schema.$ref.split("/").pop();
    return name ? { name, ...doc.components.schemas[name] } : schema || {};
  };
  const typeOf = (schema) => {
    const s = resolve(schema);
    if (s.enum) return s.enum.join(" | ");
    if (s.oneOf) return s.oneOf.map(typeOf).join(" | ");
    const types = [].concat(s.type || s.name || "any");
    return types.map((t) => (t === "array" ? "[" + typeOf(s.items) + "]" : t === "object" && s.name ? s.name : t)).join(" | ");
  };
  const example = (schema, depth) => {
    const s = resolve(schema);
    if (s.examples) return s.examples[0];
    if (s.enum) return s.enum[0];
    if (s.oneOf) return example(s.oneOf[0], depth);
    const type = [].concat(s.type || [])[0];
    if (type === "array") return depth > 4 ? [] : [example(s.items, depth + 1)];
    if (type === "object") {
      const out = {};
      for (const [k, v] of Object.entries(s.properties || {})) out[k] = example(v, depth + 1);
      return out;
    }
    if (s.format === "date-time") return "2026-10-05T09:00:00Z";
    if (type === "string") return "…";
    return { integer: 0, number: 0, boolean: false }[type] ?? null;
  };
  const table = (rows) => {
    if (!rows.length) return null;
    const body = el("tbody");
    for (const [name, type, doc] of rows) body.append(el("tr", {}, el("td", {}, el("code", {}, name)), el("td", {}, type), el("td", {}, doc)));
    return el("table", {}, el("thead", {}, el("tr", {}, ...["Name", "Type", "Meaning"].map((h) => el("th", {}, h)))), body);
  };
  const members = (schema) => {
    const s = resolve(schema);
    const required = new Set(s.required || []);
    return Object.entries(s.properties || {}).map(([k, v]) => [k + (required.has(k) ? "" : "?"), typeOf(v), v.description || resolve(v).description || ""]);
  };
  const content = (title, holder) => {
    const [type, media] = Object.entries((holder && holder.content) || {})[0] || [];
    if (!media) return [];
    const parts = [el("h4", {}, title + " ", el("span", { class: "muted" }, type))];
    if (type.endsWith("json")) parts.push(el("pre", {}, JSON.stringify(media.example || example(media.schema, 0), null, 2)), table(members(media.schema)));
    return parts;
  };

  page.replaceChildren(
    el("h1", {}, doc.info.title + " ", el("span", { class: "muted" }, doc.info.version)),
    prose(doc.info.description),
    el("p", {}, "Machine-readable: ", el("a", { href: "openapi.json" }, "openapi.json")),
  );

  const groups = new Map();
  for (const [path, item] of Object.entries(doc.paths)) {
    for (const [method, op] of Object.entries(item)) {
      const tag = (op.tags || ["Other"])[0];
      groups.set(tag, [...(groups.get(tag) || []), { path, method, op }]);
    }
  }
  for (const [tag, operations] of groups) {
    index.append(el("h2", {}, tag));
    for (const { path, method, op } of operations) {
      index.append(el("a", { href: "#" + op.operationId }, op.summary));
      const section = el("section", { id: op.operationId },
        el("h3", {}, op.summary),
        el("p", {}, el("span", { class: "method " + method }, method.toUpperCase()), " ", el("code", {}, path)),
        op.description ? prose(op.description) : null,
      );
      const params = (op.parameters || []).map((p) => [p.name + (p.required ? "" : "?"), p.in + ", " + typeOf(p.schema), p.description || ""]);
      if (params.length) section.append(el("h4", {}, "Parameters"), table(params));
      section.append(...content("Body", op.requestBody).filter(Boolean));
      for (const [status, response] of Object.entries(op.responses || {})) {
        if (status === "default") continue;
        const parts = content(status, response).filter(Boolean);
        section.append(...(parts.length ? parts : [el("h4", {}, status + " ", el("span", { class: "muted" }, response.description))]));
      }
      page.append(section);
    }
  }
  const problem = doc.components.schemas.Problem;
  if (problem) {
    index.append(el("h2", {}, "Errors"), el("a", { href: "#problem" }, "problem+json"));
    page.append(el("section", { id: "problem" }, el("h3", {}, "Errors"), prose("Every error is `application/problem+json`."), table(members(problem))));
  }
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
})();
