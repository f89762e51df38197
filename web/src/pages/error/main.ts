import { resume } from "$lib/mount";
import Page from "./Page.svelte";

resume(Page);
