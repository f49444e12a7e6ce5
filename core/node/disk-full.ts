/** Whether a file system has refused for want of space: it has none, or this user has used up what is his. */
export const isFull = (code: unknown): boolean => code === "ENOSPC" || code === "EDQUOT";
