/** `bridge.ts SOCKET`: for tpm2-tools (`TPM2TOOLS_TCTI=cmd:…`), which speak to no UNIX socket themselves. */
import { connect } from "node:net";

const connection = connect(process.argv[2] as string);
process.stdin.pipe(connection).pipe(process.stdout);
