/** What is said of the disk that is named, as a line of JSON: for a user that a test cannot be. */
import { personalised, personalOf } from "./linux-disk.ts";

const { steps } = await personalised(process.argv[2] ?? "", personalOf("lab1-a1"));
console.log(JSON.stringify(steps));
