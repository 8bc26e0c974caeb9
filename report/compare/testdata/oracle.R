# What R says of the statistics of a comparison. R is the oracle here: nothing below is
# computed by wpsbench. R 4.2.2 (Debian's r-base-core) wrote oracle.tsv by
#
#   Rscript oracle.R > oracle.tsv
#
# Each line is a name and its values, separated by tabs; TestAgainstR reads them.

line <- function(name, ...) cat(name, paste0("\t", sprintf("%.17g", c(...))), "\n", sep = "")

# Critical values: confidence, degrees of freedom, two-sided quantile.
for (confidence in c(0.95, 0.98)) for (df in c(1, 2, 5, 8, 11, 17.776, 40))
  line("critical", confidence, df, qt(1 - (1 - confidence) / 2, df))

# Differences of pairs as a comparison sees them: logarithms of B/A of 6, 9 and 12 pairs;
# and Student's sleep data, which R ships.
set.seed(20260304)
pairs <- list(round(rnorm(6, 0.05, 0.03), 6), round(rnorm(9, -0.02, 0.03), 6), round(rnorm(12, 0.09, 0.05), 6),
              sleep$extra[sleep$group == 2] - sleep$extra[sleep$group == 1])
for (d in pairs) {
  line("pairs", d)
  for (confidence in c(0.95, 0.98)) {
    t <- t.test(d, conf.level = confidence)
    line("paired", confidence, t$estimate, t$parameter, t$conf.int)
  }
  # Twice the one-sided p of a mean above a margin: 0, and 5 % as a logarithm.
  for (limit in c(0, log(1.05)))
    line("above", limit, min(1, 2 * t.test(d, mu = limit, alternative = "greater")$p.value))
  # All patterns of signs, counted one by one.
  signs <- as.matrix(expand.grid(rep(list(c(-1, 1)), length(d))))
  line("sign flip", mean(abs(signs %*% d) >= abs(sum(d)) - 1e-12))
}

# Two sides that have nothing in common: Welch.
sides <- list(list(sleep$extra[sleep$group == 1], sleep$extra[sleep$group == 2]),
              list(round(rnorm(6, 10, 0.03), 6), round(rnorm(9, 10.1, 0.05), 6)))
for (s in sides) {
  line("side a", s[[1]])
  line("side b", s[[2]])
  for (confidence in c(0.95, 0.98)) {
    t <- t.test(s[[2]], s[[1]], conf.level = confidence)
    line("welch", confidence, diff(rev(t$estimate)), t$parameter, t$conf.int)
  }
}

# Families of p-values: as they are, adjusted.
for (p in list(c(0.03, 0.01, 0.05, 0.02, 0.04), c(0.001, 0.012, 0.4, 0.9), c(0.02), c(0.5, 0.5, 0.02))) {
  line("p", p)
  line("holm", p.adjust(p, "holm"))
}

# Noise floors: the differences, and 1.4826 times their median absolute deviation.
for (d in list(c(1, 2, 3, 4, 100), pairs[[1]], pairs[[2]])) {
  line("noise", d)
  line("mad", mad(d))
}

# By how much a series repeats itself: 1 + 2 x the sum of the autocorrelations up to the
# first that is not positive, in the estimator of acf().
for (phi in c(0, 0.5, 0.9)) {
  x <- round(as.numeric(filter(rnorm(120), phi, method = "recursive")), 6)
  rho <- acf(x, lag.max = length(x) - 1, plot = FALSE)$acf[-1]
  rho <- rho[seq_len(length(x) / 2 - 1)]
  stop <- match(TRUE, rho <= 0, nomatch = length(rho) + 1)
  line("series", x)
  line("inflation", 1 + 2 * sum(rho[seq_len(stop - 1)]))
}
