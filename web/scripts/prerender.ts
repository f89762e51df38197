import { svelte } from "@sveltejs/vite-plugin-svelte";
import { createServer, type Alias, type Plugin, type ResolvedConfig, type ViteDevServer } from "vite";
import type { Component } from "svelte";
import type { render as Render } from "svelte/server";

const ROOM = "<!--prerendered-->";

/** Writes pages into their HTML when it is built, for readers without JavaScript and for search engines. */
export function prerender(components: Record<string, string>, plugins: () => Plugin[]): Plugin {
  let config: ResolvedConfig;
  // Pages are transformed side by side and share one.
  let renderer: Promise<ViteDevServer> | undefined;
  return {
    name: "prerender",
    configResolved(resolved) {
      config = resolved;
    },
    async closeBundle() {
      await (await renderer)?.close();
      renderer = undefined;
    },
    transformIndexHtml: {
      order: "pre",
      async handler(html, { path }) {
        const component = components[path.replace(/^\/|\.html$/g, "")];
        if (component === undefined) return html;
        if (!html.includes(ROOM)) throw new Error(`${path} leaves no room for ${component}`);
        renderer ??= rendererFor(config, plugins());
        const { head, body } = await rendered(await renderer, component);
        return html.replace(ROOM, () => body).replace("</head>", () => `${head}</head>`);
      },
    },
  };
}

const rendererFor = (config: ResolvedConfig, plugins: Plugin[]) =>
  createServer({
    configFile: false,
    root: config.root,
    mode: config.mode,
    logLevel: "error",
    appType: "custom",
    cacheDir: `${config.cacheDir}/prerender`,
    server: { middlewareMode: true, hmr: false, ws: false, watch: null },
    optimizeDeps: { noDiscovery: true },
    resolve: { alias: config.resolve.alias as Alias[] },
    // Styles come along in the head, so that a page without a script of its own has them too.
    plugins: [svelte({ emitCss: false, compilerOptions: { css: "injected" } }), ...plugins],
  });

async function rendered(server: ViteDevServer, component: string): Promise<{ head: string; body: string }> {
  const { render } = (await server.ssrLoadModule("svelte/server")) as { render: typeof Render };
  const page = (await server.ssrLoadModule(component)) as { default: Component };
  return await render(page.default);
}
