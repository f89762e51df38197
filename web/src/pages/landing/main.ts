import "./landing.css";
import { greet } from "./account";

// The page is plain HTML: all of it that depends on who looks is the last link of its header.
void greet();
