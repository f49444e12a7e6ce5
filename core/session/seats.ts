/** The order of seats, and where a new one goes. */
import type { Seat } from "../wire/rooms.ts";

/** Rows of a room that nobody has drawn. */
const placesInRow = 10;

/** Seats that nobody has, in the order of the list. */
export function freeSeats(seats: readonly Seat[], taken: readonly (string | null)[]): Seat[] {
  return seats.filter(({ name }) => !taken.includes(name));
}

/** A seat beside the last one: the lowest number that no seat has, at the first place that is free. */
export function nextPlace(seats: readonly Seat[]): Seat {
  let number = 1;
  while (seats.some(({ name }) => name === String(number))) number++;
  for (let place = 0; ; place++) {
    const [column, row] = [place % placesInRow, Math.floor(place / placesInRow)];
    if (seats.some((seat) => seat.column === column && seat.row === row)) continue;
    return { name: String(number), column, row };
  }
}

/** A grid of seats, row by row from the front: A1, A2, …, B1, …; `columns` and `rows` from 1. */
export function seatGrid(columns: number, rows: number): Seat[] {
  const letters = (row: number): string =>
    row < 26
      ? String.fromCharCode(65 + row)
      : `${letters(Math.floor(row / 26) - 1)}${letters(row % 26)}`;
  return Array.from({ length: columns * rows }, (_, place) => {
    const [column, row] = [place % columns, Math.floor(place / columns)];
    return { name: `${letters(row)}${column + 1}`, column, row };
  });
}
