/** Fields that many messages have. */
import { Type } from "typebox";

export const text = (maxLength = 256) => Type.String({ maxLength });
export const count = Type.Integer({ minimum: 0 });
