# What R says of series whose values resemble their neighbours. R is the oracle here:
# nothing below is computed by wpsbench. R 4.2.2 (Debian's r-base-core) wrote
# persistence.tsv by
#
#   Rscript persistence.R > persistence.tsv
#
# Each line is a name and its values, separated by tabs; TestAutocorrelationAgainstR reads
# them. near and keeps are those of an ARMA(1,1): its correlation at lag k is near·keeps^(k-1).

line <- function(name, ...) cat(name, paste0("\t", sprintf("%.17g", c(...))), "\n", sep = "")

# The variance of the mean of n: the mean of their correlation matrix.
ofMean <- function(near, keeps, n) mean(toeplitz(c(1, near * keeps^(0:(n - 2)))))

# What blocks show of it: the variance of a block's mean about the mean of all n, in the
# long run, over the number of blocks less one. The first by the matrix, not by a formula.
shown <- function(near, keeps, n, block) {
  of <- toeplitz(c(1, near * keeps^(0:(n - 2))))
  from <- (n - block) %/% 2 # one in the middle: of a long series all are alike
  w <- replace(rep(0, n), from + 1:block, 1 / block)
  (sum(outer(w, w) * of) - mean(of)) / (n / block - 1)
}

for (a in list(c(0.8, 0.8), c(0.5, 0.8), c(0.1, 0.95), c(0.3, 0)))
  for (n in c(60, 300)) {
    m <- ofMean(a[1], a[2], n)
    missed <- sqrt(max(1, m / shown(a[1], a[2], n, 10))) * qt(0.975, n / 10 - 2) / qt(0.975, n / 10 - 1)
    line("missed", a, n, m, missed)
  }

# Correlations as acf has them, but for its divisor n: that is n-k here.
set.seed(20260304)
x <- round(as.numeric(arima.sim(list(ar = 0.8, ma = -0.3), 80)), 6)
line("series", x)
line("correlations", acf(x, 5, plot = FALSE)$acf[2:6] * 80 / (80 - 1:5))

# A long series, of which the fit must find what it was made of.
long <- as.numeric(arima.sim(list(ar = 0.8), 5000)) + rnorm(5000, sd = 1.2)
signal <- 1 / (1 - 0.8^2)
line("made", 0.8 * signal / (signal + 1.2^2), 0.8)
line("long", round(1000 * long))
