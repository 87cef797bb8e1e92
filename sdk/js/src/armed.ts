// Imported before anything of the plugin, so that its modules already see the replaced globals.
import { arm } from "./guard.ts";

arm();
