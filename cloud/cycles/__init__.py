"""Work cycles of cranes (工作循环): each lift as a record, as JGJ 332 asks for."""
