// What the public's pages do better where scripts run. Each of them does without; nothing is kept in the browser.
import "./quick-exit.js";
import "./sending.js";
import "./counter.js";
import "./files.js";
