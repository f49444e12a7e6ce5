/** Style sheets are bundled: importing one is all there is to it. */
declare module "*.css";
