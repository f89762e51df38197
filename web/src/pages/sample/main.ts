import { start } from "$lib/mount";
import Page from "./Page.svelte";

start(Page);
