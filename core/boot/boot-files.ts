import { mokManager, secureBootFiles } from "./secure-boot.ts";

/** What no PC can boot without, in the boot folder. */
export const neededFiles = ["vmlinuz", "initrd.img", "undionly.kpxe", "snponly.efi"];
/** What PCs with Secure Boot need beside them. */
export const signedFiles = ["shimx64.efi", "grubx64.efi", "grub/grub.cfg"];
/** What they need instead where the site has an image of its own. */
export const siteFiles = [...Object.values(secureBootFiles), mokManager];
