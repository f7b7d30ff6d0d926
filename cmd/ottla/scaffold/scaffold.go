package scaffold
